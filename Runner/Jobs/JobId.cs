using System.Diagnostics.CodeAnalysis;

namespace Runner.Jobs;

/// <summary>Names one job for its whole life. Safe in a path: it is always a canonical UUID.</summary>
readonly record struct JobId
{
    private const int TextLength = 36;

    private readonly Guid _value;

    private JobId(Guid value) => _value = value;

    /// <summary>A new one that sorts by the time it was made (version 7, RFC 9562).</summary>
    public static JobId New() => new(Guid.CreateVersion7());

    public static bool TryParse([NotNullWhen(true)] string? text, out JobId id)
    {
        // The spelling too: the parser itself accepts blanks around, and signs and 0x in each part.
        var ok = Guid.TryParseExact(text, "D", out var value) && text.Length == TextLength && IsStart(text) && value != Guid.Empty;
        id = ok ? new(value) : default;
        return ok;
    }

    /// <summary>Whether an id's text may begin so, in either case.</summary>
    public static bool IsStart(string text)
    {
        if (text.Length > TextLength) return false;
        for (var at = 0; at < text.Length; at++)
            if (at is 8 or 13 or 18 or 23 ? text[at] != '-' : !char.IsAsciiHexDigit(text[at])) return false;
        return true;
    }

    /// <exception cref="JobException">Not a UUID.</exception>
    public static JobId Parse(string text) => TryParse(text, out var id)
        ? id
        : throw new JobException(JobError.BadJobId, $"job id '{Quoted.Short(text)}': must be a UUID such as 0199d3c4-5f2e-7a10-8c3b-2f6f1d9be001");

    public override string ToString() => _value.ToString("D");
}
