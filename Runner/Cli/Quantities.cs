using System.Globalization;
using System.Text.RegularExpressions;

namespace Runner.Cli;

/// <summary>Sizes and spans of time as people write them.</summary>
static partial class Quantities
{
    private static readonly string[] s_sizes = ["", "K", "M", "G", "T", "P"];

    private static readonly (string Suffix, double Seconds)[] s_spans =
        [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400), ("", 1)];

    /// <summary>Bytes, or with K, M, G, T or P (powers of 1024; KiB and KB mean the same).</summary>
    /// <exception cref="BadOptionException">None of that.</exception>
    public static long Size(string option, string text)
    {
        var match = SizeText().Match(text);
        if (match.Success && decimal.TryParse(match.Groups["number"].Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
        {
            var power = Array.IndexOf(s_sizes, match.Groups["unit"].Value.ToUpperInvariant());
            if (value <= long.MaxValue >> (10 * power))
            {
                var bytes = value * (1L << (10 * power));
                if (bytes == Math.Floor(bytes)) return (long)bytes;
            }
        }
        throw new BadOptionException($"{option} {text}: must be a size such as 512K, 10M, 1G or a number of bytes");
    }

    /// <summary>Seconds, or with ms, s, m, h or d.</summary>
    /// <exception cref="BadOptionException">None of that.</exception>
    public static TimeSpan Span(string option, string text)
    {
        foreach (var (suffix, seconds) in s_spans)
        {
            if (!text.EndsWith(suffix, StringComparison.Ordinal)) continue;
            if (!double.TryParse(text[..^suffix.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)) continue;
            if (value * seconds <= TimeSpan.FromDays(3650).TotalSeconds) return TimeSpan.FromSeconds(value * seconds);
        }
        throw new BadOptionException($"{option} {text}: must be a time such as 500ms, 5s, 2m or 1h");
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
}
