using Google.Protobuf.WellKnownTypes;
using Runner.Jobs;
using Runner.Output;
using BeginCase = Runner.V1.StreamOutputRequest.BeginOneofCase;

namespace Runner.Wire;

/// <summary>What is wanted of a job's output, to and from the wire.</summary>
static class OutputWishes
{
    public static V1.StreamOutputRequest ToWire(JobId id, OutputWish wish)
    {
        var wire = new V1.StreamOutputRequest
        {
            Id = id.ToString(),
            Stream = wish.Stream is { } kind ? OutputKinds.ToWire(kind) : V1.OutputStream.Both,
            Follow = wish.Follow,
            Times = wish.Times,
        };
        if (wish.Limit is { } limit) wire.LimitBytes = limit;
        switch (wish.Begin)
        {
            case OutputBegin.At(var offset, var stderr): (wire.Offset, wire.StderrOffset) = (offset, stderr); break;
            case OutputBegin.LastLines(var count): wire.TailLines = count; break;
            case OutputBegin.LastBytes(var count): wire.TailBytes = count; break;
            case OutputBegin.Since(var time): wire.Since = Timestamp.FromDateTimeOffset(time); break;
        }
        return wire;
    }

    /// <exception cref="JobException">A field is out of range, or does not go with another.</exception>
    public static OutputWish FromWire(V1.StreamOutputRequest wire)
    {
        OutputKind? stream = wire.Stream is V1.OutputStream.Both ? null : OutputKinds.FromWire(wire.Stream, "stdout (1), stderr (2) or both (3)");
        if (wire.Offset < 0) throw JobRules.Bad("offset", $"offset {wire.Offset}: must be 0 or more");
        if (wire.StderrOffset < 0) throw JobRules.Bad("stderr_offset", $"stderr_offset {wire.StderrOffset}: must be 0 or more");
        if (wire.Offset > 0 && wire.BeginCase is not BeginCase.None)
            throw JobRules.Bad("offset", $"offset {wire.Offset}: must be 0 when tail_lines, tail_bytes or since says where to begin");
        if (wire.StderrOffset > 0 && (stream is not null || wire.BeginCase is not BeginCase.None))
            throw JobRules.Bad("stderr_offset", $"stderr_offset {wire.StderrOffset}: must be 0 unless both streams are wanted, and when tail_lines or since says where to begin");
        if (stream is null && wire.BeginCase is BeginCase.TailBytes)
            throw JobRules.Bad("tail_bytes", $"tail_bytes {wire.TailBytes}: must not be set with both streams, which begin at their offsets, at tail_lines or at since");
        if (wire.HasLimitBytes && wire.LimitBytes < 1) throw JobRules.Bad("limit_bytes", $"limit_bytes {wire.LimitBytes}: must be at least 1");
        OutputBegin begin = wire.BeginCase switch
        {
            BeginCase.TailLines => new OutputBegin.LastLines(Within("tail_lines", wire.TailLines, OutputWish.MostLines)),
            BeginCase.TailBytes => new OutputBegin.LastBytes(Within("tail_bytes", wire.TailBytes, long.MaxValue)),
            BeginCase.Since => new OutputBegin.Since(Timestamps.FromWire(wire.Since)
                ?? throw JobRules.Bad("since", $"since {wire.Since.Seconds} s {wire.Since.Nanos} ns: must be a time from year 1 to 9999")),
            _ => new OutputBegin.At(wire.Offset, wire.StderrOffset),
        };
        return new(stream, begin, wire.Follow, wire.HasLimitBytes ? wire.LimitBytes : null, wire.Times);
    }

    private static long Within(string field, long value, long most) => value >= 0 && value <= most
        ? value
        : throw JobRules.Bad(field, $"{field} {value}: must be 0 to {most}");
}
