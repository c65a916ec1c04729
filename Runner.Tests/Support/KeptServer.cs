using System.Runtime.InteropServices;

namespace Runner.Tests.Support;

/// <summary>The server that a keeper runs: another process each time one has died.</summary>
static partial class KeptServer
{
    public const int SigCont = 18, SigStop = 19;

    /// <summary>Null: there is none at this moment.</summary>
    public static int? Find(int keeper) => ChildrenOf(keeper).Where(IsServer).Cast<int?>().FirstOrDefault();

    public static IReadOnlyList<int> ChildrenOf(int parent) => [.. Directory.GetDirectories($"/proc/{parent}/task").SelectMany(OfThread).Order()];

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

    /// <summary>Waits until there is one.</summary>
    public static async Task<int> FindAsync(int keeper, CancellationToken cancellationToken)
    {
        for (var start = Environment.TickCount64; ; await Task.Delay(2, cancellationToken))
        {
            if (Find(keeper) is { } server) return server;
            Assert.True(Environment.TickCount64 - start < 30_000, $"keeper {keeper} runs no server");
        }
    }

    /// <summary>Kills it, and waits until it has gone.</summary>
    public static async Task KillAsync(int keeper, CancellationToken cancellationToken)
    {
        var server = await FindAsync(keeper, cancellationToken);
        Signal(server, ChildProcess.SigKill);
        for (var start = Environment.TickCount64; Processes.IsAlive(server); await Task.Delay(2, cancellationToken))
            Assert.True(Environment.TickCount64 - start < 30_000, $"server {server} lives on");
    }

    /// <summary>One that has gone meanwhile gets nothing.</summary>
    public static void Signal(int server, int signal) => _ = Kill(server, signal);

    // `serve` and its options; jobs are the keeper's children too.
    private static bool IsServer(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0') is [_, "serve", ..] && Processes.IsAlive(pid);
        }
        catch (IOException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
