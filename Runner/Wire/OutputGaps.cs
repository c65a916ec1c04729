using Runner.Output;

namespace Runner.Wire;

/// <summary>What is gone of a stream, to and from the wire.</summary>
static class OutputGaps
{
    public static V1.OutputGap ToWire(OutputKind kind, OutputGap gap) => new()
    {
        Stream = OutputKinds.ToWire(kind),
        From = gap.From,
        To = gap.To,
        Reason = gap.Reason is GapReason.Pruned ? V1.GapReason.Pruned : V1.GapReason.OutputLimit,
    };

    /// <summary>A reason of a newer server is told as what it comes to: the bytes are not kept.</summary>
    public static OutputGap FromWire(V1.OutputGap wire) =>
        new(wire.From, wire.To, wire.Reason is V1.GapReason.Pruned ? GapReason.Pruned : GapReason.OutputLimit);
}
