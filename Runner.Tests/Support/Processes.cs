namespace Runner.Tests.Support;

/// <summary>What /proc tells of processes.</summary>
static class Processes
{
    /// <summary>Whether it runs; one that is dead and not yet collected by its parent does not.</summary>
    public static bool IsAlive(int pid) => State(pid) is not (null or 'Z' or 'X');

    /// <summary>0: it has none, or is gone.</summary>
    public static int ParentOf(int pid) => Stat(pid) is { } stat ? int.Parse(stat[1]) : 0;

    /// <summary>Which file it executes: one that was put in its place since is another.</summary>
    public static string ProgramOf(int pid) => InodeOf($"/proc/{pid}/exe");

    public static string InodeOf(string file) => ChildProcess.ShellAsync("stat -L -c %i \"$1\"", file).GetAwaiter().GetResult().Expect(0).Output;

    /// <summary>Waits until each child of this process that is dead now is collected: those of tests that run beside are within moments, a leaked one never is.</summary>
    public static async Task EachIsCollectedAsync()
    {
        foreach (var pid in ZombiesOf(Environment.ProcessId))
            await Until.SoAsync(() => State(pid) != 'Z', $"somebody collects process {pid}, which is dead");
    }

    /// <summary>Children of a process that are dead and not collected.</summary>
    public static IReadOnlyList<int> ZombiesOf(int parent) => [.. All().Where(pid => Stat(pid) is ["Z", var of, ..] && of == parent.ToString())];

    /// <summary>Every process there is.</summary>
    public static IEnumerable<int> All() => Directory.EnumerateDirectories("/proc")
        .Select(Path.GetFileName)
        .Where(name => int.TryParse(name, out _))
        .Select(name => int.Parse(name!));

    public static int Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;

    /// <summary>Waits until a process is in a state, of which nothing else tells.</summary>
    public static Task StateAsync(int pid, char state) => Until.SoAsync(() => State(pid) == state, () => $"process {pid} is in state {state}, but {State(pid)}");

    private static char? State(int pid) => Stat(pid)?[0][0];

    // The name in brackets may hold anything (proc_pid_stat(5)): what counts starts after the last bracket.
    private static string[]? Stat(int pid)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{pid}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }
}
