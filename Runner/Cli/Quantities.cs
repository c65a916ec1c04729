using System.Globalization;
using System.Text.RegularExpressions;

namespace Runner.Cli;

/// <summary>Sizes and spans of time as people write them.</summary>
static partial class Quantities
{
    private static readonly string[] s_sizes = ["", "K", "M", "G", "T", "P"];

    private static readonly Dictionary<string, long> s_spans = new()
    {
        [""] = TimeSpan.TicksPerSecond,
        ["ms"] = TimeSpan.TicksPerMillisecond,
        ["s"] = TimeSpan.TicksPerSecond,
        ["m"] = TimeSpan.TicksPerMinute,
        ["h"] = TimeSpan.TicksPerHour,
        ["d"] = TimeSpan.TicksPerDay,
    };

    private static readonly TimeSpan s_longest = TimeSpan.FromDays(3650);

    /// <summary>Bytes, or with K, M, G, T or P (powers of 1024; KiB and KB mean the same).</summary>
    /// <exception cref="BadOptionException">None of that.</exception>
    public static long Size(string option, string text)
    {
        var match = SizeText().Match(text);
        if (match.Success)
        {
            var power = Array.IndexOf(s_sizes, match.Groups["unit"].Value.ToUpperInvariant());
            var isNumber = decimal.TryParse(match.Groups["number"].Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value);
            if (!isNumber || value > long.MaxValue >> (10 * power)) throw new BadOptionException($"{option} {text}: must be at most 1P");
            var bytes = value * (1L << (10 * power));
            if (bytes == Math.Floor(bytes)) return (long)bytes;
        }
        throw new BadOptionException($"{option} {text}: must be a size such as 512K, 10M, 1G or a number of bytes");
    }

    /// <summary>Seconds, or with ms, s, m, h or d. Never less than was written: what is not nothing stays something.</summary>
    /// <exception cref="BadOptionException">None of that.</exception>
    public static TimeSpan Span(string option, string text) => TrySpan(text, out var span)
        ? span
        : throw new BadOptionException($"{option} {text}: must be {(SpanText().IsMatch(text) ? $"at most {s_longest.Days}d" : "a time such as 500ms, 5s, 2m or 1h")}");

    /// <summary>The same; false: none of that.</summary>
    public static bool TrySpan(string text, out TimeSpan span)
    {
        span = default;
        var match = SpanText().Match(text);
        if (!match.Success || !decimal.TryParse(match.Groups["number"].Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)) return false;
        var unit = s_spans[match.Groups["unit"].Value];
        if (value > s_longest.Ticks / unit) return false;
        span = TimeSpan.FromTicks((long)Math.Ceiling(value * unit));
        return true;
    }

    /// <summary>The largest unit that leaves at least one, to three digits.</summary>
    public static string Show(long bytes)
    {
        var (value, power) = ((double)bytes, 0);
        while (value >= 1024 && power < s_sizes.Length - 1) (value, power) = (value / 1024, power + 1);
        return power == 0 ? $"{bytes} B" : string.Create(CultureInfo.InvariantCulture, $"{value:0.##} {s_sizes[power]}iB");
    }

    public static string Show(TimeSpan span) => span.TotalSeconds < 60
        ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.###} s")
        : span.TotalHours < 1 ? string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalMinutes} m {span.Seconds} s")
        : string.Create(CultureInfo.InvariantCulture, $"{(long)span.TotalHours} h {span.Minutes} m {span.Seconds} s");

    [GeneratedRegex("^(?<number>[0-9]+([.][0-9]+)?)((?<unit>[KMGTP])(i?B)?|B)?\\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex SizeText();

    [GeneratedRegex("^(?<number>[0-9]+([.][0-9]+)?)(?<unit>ms|s|m|h|d|)\\z", RegexOptions.CultureInvariant)]
    private static partial Regex SpanText();
}
