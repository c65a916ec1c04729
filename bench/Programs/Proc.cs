using System.Globalization;

namespace Runner.Bench.Programs;

/// <summary>What a process holds of memory, in KiB: all of its pages, and those with shared ones counted by their part.</summary>
readonly record struct Memory(double Rss, double Pss);

/// <summary>What /proc tells of other processes.</summary>
static class Proc
{
    // USER_HZ, which is 100 wherever .NET runs (proc_pid_stat(5)).
    private const double TicksPerSecond = 100;

    public static double Cpu(int pid)
    {
        var fields = Stat(pid);
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    public static Memory Memory(int pid)
    {
        var lines = File.ReadAllLines($"/proc/{pid}/smaps_rollup");
        return new(Kibibytes(lines, "Rss:"), Kibibytes(lines, "Pss:"));
    }

    /// <summary>The processes that have this one as their parent.</summary>
    public static IReadOnlyList<int> Children(int parent) => [.. Directory.EnumerateDirectories("/proc")
        .Select(Path.GetFileName)
        .Where(name => int.TryParse(name, out _))
        .Select(name => int.Parse(name!, CultureInfo.InvariantCulture))
        .Where(pid => IsChild(pid, parent))];

    private static bool IsChild(int pid, int parent)
    {
        try
        {
            return Stat(pid)[1] == parent.ToString(CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return false; // it ended meanwhile
        }
    }

    // The name in brackets may hold anything: what counts starts after the last bracket, with the state.
    private static string[] Stat(int pid)
    {
        var text = File.ReadAllText($"/proc/{pid}/stat");
        return text[(text.LastIndexOf(')') + 2)..].Split(' ');
    }

    private static double Kibibytes(string[] lines, string key) => double.Parse(
        lines.First(line => line.StartsWith(key, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
