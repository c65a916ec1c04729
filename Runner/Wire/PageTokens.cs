using System.Globalization;
using Runner.Jobs;

namespace Runner.Wire;

/// <summary>Where the next page starts, as clients carry it back.</summary>
static class PageTokens
{
    public static string ToWire(long? next) => next?.ToString(CultureInfo.InvariantCulture) ?? "";

    /// <exception cref="JobException">Not a token that a list answered with.</exception>
    public static long? FromWire(string token) =>
        token.Length == 0 ? null
        : long.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out var next) ? next
        : throw JobRules.Bad("page_token", "page_token: must be the next_page_token of a list's answer");
}
