using System.Globalization;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>Points in time as people write them: an instant with its zone, a day, or how long ago.</summary>
static class PointsInTime
{
    public const string Examples = "2026-11-22T08:00:00Z, 2026-11-22 (UTC), or how long ago, such as 2h";

    /// <exception cref="BadOptionException">None of that.</exception>
    public static DateTimeOffset Of(string option, string text, DateTimeOffset now)
    {
        if (Rfc3339.TryParse(text, out var time)) return time;
        if (DateTimeOffset.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var day)) return day;

        // A bare number would be seconds to one and a year or a time of Unix to another.
        return Quantities.TrySpan(text, out var ago) && char.IsAsciiLetter(text[^1])
            ? now - ago
            : throw new BadOptionException($"{option} {Quoted.Short(text)}: must be a time such as 2026-11-22T08:00:00Z, a day such as 2026-11-22 (UTC), or how long ago such as 2h");
    }
}
