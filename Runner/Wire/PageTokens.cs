using Runner.Jobs;

namespace Runner.Wire;

/// <summary>Where the next page starts, as clients carry it back: the last job they were shown, which tells them nothing new.</summary>
static class PageTokens
{
    public static string ToWire(JobId? next) => next?.ToString() ?? "";

    /// <exception cref="JobException">Not a token that a list answered with.</exception>
    public static JobId? FromWire(string token) =>
        token.Length == 0 ? null
        : JobId.TryParse(token, out var last) ? last
        : throw JobRules.Bad("page_token", "page_token: must be the next_page_token of a list's answer");
}
