using System.Globalization;
using Runner.Output;

namespace Runner.Cli;

/// <summary>That bytes of a stream are gone, in one line for people beside the stream.</summary>
static class GapLine
{
    /// <summary>"gap: bytes 0 to 1048576 of stdout are gone (output limit)".</summary>
    public static string Of(OutputKind kind, OutputGap gap) =>
        string.Create(CultureInfo.InvariantCulture, $"gap: bytes {gap.From} to {gap.To} of {Name(kind)} are gone ({Reason(gap.Reason)})");

    public static string Name(OutputKind kind) => kind is OutputKind.Stderr ? "stderr" : "stdout";

    private static string Reason(GapReason reason) => reason is GapReason.Pruned ? "pruned" : "output limit";
}
