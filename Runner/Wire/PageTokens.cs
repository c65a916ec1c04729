using System.Globalization;
using Runner.Jobs;

namespace Runner.Wire;

/// <summary>
/// Where the next page starts, as clients carry it back: the last job they were shown and when it started, which tells them
/// nothing new, and still says where to go on when that job has been removed.
/// </summary>
static class PageTokens
{
    public static string ToWire(JobPlace? next) => next is { } place ? string.Create(CultureInfo.InvariantCulture, $"{place.Id}@{place.StartedAt.UtcTicks}") : "";

    /// <exception cref="JobException">Not a token that a list answered with.</exception>
    public static JobPlace? FromWire(string token)
    {
        if (token.Length == 0) return null;
        return token.Split('@') is [var id, var ticks]
            && JobId.TryParse(id, out var last)
            && long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var at) && at <= DateTimeOffset.MaxValue.UtcTicks
            ? new(last, new(at, TimeSpan.Zero))
            : throw JobRules.Bad("page_token", "page_token: must be the next_page_token of a list's answer");
    }
}
