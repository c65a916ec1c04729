using Runner.Jobs;
using Runner.Output;

namespace Runner.Wire;

/// <summary>Which stream, to and from the wire.</summary>
static class OutputKinds
{
    public static V1.OutputStream ToWire(OutputKind kind) =>
        kind is OutputKind.Stderr ? V1.OutputStream.Stderr : V1.OutputStream.Stdout;

    /// <exception cref="JobException">Not one stream that this server knows.</exception>
    public static OutputKind FromWire(V1.OutputStream wire, string valid = "stdout (1) or stderr (2)") => wire switch
    {
        V1.OutputStream.Unspecified or V1.OutputStream.Stdout => OutputKind.Stdout,
        V1.OutputStream.Stderr => OutputKind.Stderr,
        _ => throw JobRules.Bad("stream", $"stream {(int)wire}: must be {valid}"),
    };
}
