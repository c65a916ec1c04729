using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Runner.Jobs;
using Runner.Output;

namespace Runner.Wire;

/// <summary>How much a job wrote and what of it is kept, to and from the wire.</summary>
static class OutputSizes
{
    public static V1.OutputSizes ToWire(JobView view)
    {
        var wire = new V1.OutputSizes
        {
            StdoutBytes = view.StdoutBytes,
            StderrBytes = view.StderrBytes,
            StdoutKeptFrom = view.Stdout?.From ?? 0,
            StderrKeptFrom = view.Stderr?.From ?? 0,
            StdoutDroppedBytes = view.Stdout?.Dropped ?? 0,
            StderrDroppedBytes = view.Stderr?.Dropped ?? 0,
            AppliedPolicy = OutputLimits.ToWire(view.Record.Applied.Output?.Policy),
            HeldOpen = view.Record.State is JobState.Ended { HeldOpen: true },
            DiskFailed = view.Record.State is JobState.Ended { DiskFailed: true },
        };
        if (view.Record.State is JobState.Ended { PrunedAt: { } pruned }) wire.PrunedAt = Timestamp.FromDateTimeOffset(pruned);
        if (view.Record.Applied.Output?.Bytes is { } most) wire.AppliedMaxBytes = most;
        return wire;
    }

    public static (KeptOutput? Stdout, KeptOutput? Stderr) FromWire(V1.OutputSizes? wire, V1.Ended? ended) => (
        Kept(wire?.StdoutKeptFrom ?? 0, wire?.StdoutDroppedBytes ?? 0, ended?.StdoutSha256),
        Kept(wire?.StderrKeptFrom ?? 0, wire?.StderrDroppedBytes ?? 0, ended?.StderrSha256));

    /// <summary>A policy of a newer server is as good as none.</summary>
    public static OutputLimit? AppliedFromWire(V1.OutputSizes? wire) => wire is null || !System.Enum.IsDefined(wire.AppliedPolicy) ? null
        : OutputLimits.Of(wire.HasAppliedMaxBytes ? wire.AppliedMaxBytes : null, OutputLimits.FromWire(wire.AppliedPolicy));

    private static KeptOutput? Kept(long from, long dropped, ByteString? sha256)
    {
        var digest = sha256 is { Length: > 0 } ? Convert.ToHexStringLower(sha256.Span) : null;
        return from == 0 && dropped == 0 && digest is null ? null : new(from, dropped, digest);
    }
}
