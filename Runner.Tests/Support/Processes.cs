namespace Runner.Tests.Support;

/// <summary>What /proc says of other processes.</summary>
static class Processes
{
    /// <summary>Whether it still runs. One that has ended and was left to the machine's first process to reap does not.</summary>
    public static bool IsAlive(string process) => State(process) is not (null or 'Z' or 'X');

    /// <summary>The letter of proc_pid_stat(5), after the name, which may hold blanks and brackets.</summary>
    public static char? State(string process) => Stat(process) is { } stat ? stat[0][0] : null;

    /// <summary>The processes with this parent.</summary>
    public static IEnumerable<string> ChildrenOf(int parent) =>
        from folder in Directory.GetDirectories("/proc")
        let process = Path.GetFileName(folder)
        where char.IsAsciiDigit(process[0])
        let stat = Stat(process)
        where stat is not null && stat[1] == parent.ToString(System.Globalization.CultureInfo.InvariantCulture)
        select process;

    private static string[]? Stat(string process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null; // it has gone
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }
}
