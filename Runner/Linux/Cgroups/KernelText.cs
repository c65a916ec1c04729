using System.Globalization;
using Runner.Jobs;

namespace Runner.Linux.Cgroups;

/// <summary>Reads and makes the few text forms cgroup files have (cgroup-v2.rst, "Format"). What it cannot read is null.</summary>
static class KernelText
{
    public const string Max = "max";

    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A single number. "max", a negative number and anything else are null: there is no limit.</summary>
    public static long? ReadNumber(string? text) =>
        long.TryParse(text.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    /// <summary>The number after a key in a file of "key number" lines.</summary>
    public static long? ReadKey(string? text, string key)
    {
        foreach (var line in text.AsSpan().EnumerateLines())
            if (line.StartsWith(key, StringComparison.Ordinal) && line.Length > key.Length && line[key.Length] == ' ')
                return long.TryParse(line[key.Length..].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
        return null;
    }

    /// <summary>Microseconds after a key, as the v2 files count.</summary>
    public static TimeSpan? ReadMicroseconds(string? text, string key) =>
        ReadKey(text, key) is { } value ? TimeSpan.FromTicks(value * TimeSpan.TicksPerMicrosecond) : null;

    /// <summary>Nanoseconds after a key, as the v1 files count.</summary>
    public static TimeSpan? ReadNanoseconds(string? text, string key) =>
        ReadKey(text, key) is { } value ? TimeSpan.FromTicks(value / TimeSpan.NanosecondsPerTick) : null;

    /// <summary>"some avg10=0.00 … total=1234" and "full …": microseconds since the cgroup was made (accounting/psi.rst).</summary>
    public static Pressure? ReadPressure(string? text)
    {
        var (some, full) = (Total("some "), Total("full "));
        return some is null && full is null ? null : new(some, full);

        TimeSpan? Total(string kind)
        {
            const string Key = "total=";
            foreach (var line in text.AsSpan().EnumerateLines())
                if (line.StartsWith(kind, StringComparison.Ordinal) && line.IndexOf(Key, StringComparison.Ordinal) is >= 0 and var at)
                    return long.TryParse(line[(at + Key.Length)..].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
                        && value <= TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMicrosecond
                            ? TimeSpan.FromTicks(value * TimeSpan.TicksPerMicrosecond) : null;
            return null;
        }
    }

    public static string[] Words(string? text) =>
        (text ?? "").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Process ids, one a line. A process outside our PID namespace reads as 0 and has no name here.</summary>
    public static IEnumerable<int> ReadProcesses(string? text)
    {
        foreach (var word in Words(text))
            if (int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid > 0)
                yield return pid;
    }
}
