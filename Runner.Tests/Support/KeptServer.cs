using System.Runtime.InteropServices;

namespace Runner.Tests.Support;

/// <summary>The server that a keeper runs: another process each time one has gone.</summary>
static partial class KeptServer
{
    /// <summary>Null: there is none at this moment.</summary>
    public static int? Find(int keeper) => ChildrenOf(keeper).Where(IsServer).Cast<int?>().FirstOrDefault();

    /// <summary>The keeper that outlives who began it, of a server on this state directory.</summary>
    public static int LastingKeeperOf(string state)
    {
        for (var start = Environment.TickCount64; ; Thread.Sleep(1))
        {
            // Its children have its words too, until their exec.
            var all = Processes.All().Where(pid => Has(pid, "environ", $"{LastingKeeper.Mark}=1") && Has(pid, "cmdline", state)).ToList();
            if (all.Where(pid => !all.Contains(Processes.ParentOf(pid))).Cast<int?>().FirstOrDefault() is { } keeper) return keeper;
            Assert.True(Environment.TickCount64 - start < Until.Limit.TotalMilliseconds, $"there is no keeper of {state}");
        }
    }

    public static IReadOnlyList<int> ChildrenOf(int parent) => [.. Threads(parent).SelectMany(OfThread).Order()];

    /// <summary>Waits until there is one.</summary>
    public static int Of(int keeper)
    {
        for (var start = Environment.TickCount64; ; Thread.Sleep(1))
        {
            Assert.True(Processes.IsAlive(keeper), $"keeper {keeper} is gone");
            if (Find(keeper) is { } server) return server;
            Assert.True(Environment.TickCount64 - start < Until.Limit.TotalMilliseconds, $"keeper {keeper} runs no server");
        }
    }

    /// <summary>Kills it, and waits until it is dead, which is enough: a keeper that is stopped does not collect it.</summary>
    public static void Kill(int server)
    {
        Signal(server, ChildProcess.SigKill);
        for (var start = Environment.TickCount64; Processes.IsAlive(server); Thread.Sleep(1))
            Assert.True(Environment.TickCount64 - start < Until.Limit.TotalMilliseconds, $"server {server} lives on");
    }

    /// <summary>One that has gone meanwhile gets nothing.</summary>
    public static void Signal(int server, int signal) => _ = Send(server, signal);

    private static string[] Threads(int process)
    {
        try
        {
            return Directory.GetDirectories($"/proc/{process}/task");
        }
        catch (DirectoryNotFoundException)
        {
            return []; // it has just ended
        }
    }

    private static IEnumerable<int> OfThread(string thread)
    {
        try
        {
            return File.ReadAllText($"{thread}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse);
        }
        catch (IOException)
        {
            return []; // it has just ended
        }
    }

    // Jobs are the keeper's children too, and have its words until their exec. A server has in its environment that it is one.
    private static bool IsServer(int pid) => Has(pid, "environ", $"{KeeperProcess.Mark}=1");

    private static bool Has(int pid, string file, string word)
    {
        try
        {
            return Processes.IsAlive(pid) && File.ReadAllText($"/proc/{pid}/{file}").Split('\0').Contains(word);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Send(int process, int signal);
}
