using Runner.Output;
using Runner.Wire;

namespace Runner.Client;

/// <summary>Some bytes of a job's output, or that some are gone.</summary>
/// <param name="Kind">Of which stream.</param>
/// <param name="CapturedAt">When, if that was wished.</param>
/// <param name="Bytes">They are good until the next part is asked for. None in a gap.</param>
/// <param name="Gap">What is gone in place of bytes.</param>
sealed record OutputPart(OutputKind Kind, DateTimeOffset? CapturedAt, ReadOnlyMemory<byte> Bytes, OutputGap? Gap = null);

/// <summary>Holds a server to what it must send: each byte of a stream once, itself or in a gap, from where it begins to its end, and no more than was wished.</summary>
sealed class OutputOrder(OutputWish wish)
{
    // Where the next byte of each stream stands; null before the first if only the server knows where it begins.
    private readonly long?[] _next = wish.Begin is OutputBegin.At(var offset) ? [offset, offset] : [null, null];
    private long _received;

    /// <summary>Whether it is right that nothing more comes without word of the job's end.</summary>
    public bool MayStop => !wish.Follow || _received == wish.Limit;

    /// <exception cref="InvalidDataException">Not what was due; the message goes on after "server:".</exception>
    public OutputPart Take(V1.OutputData data)
    {
        var kind = KindOf(data.Stream);
        var next = _next[(int)kind] ?? data.Offset;
        if (data.Offset != next) throw new InvalidDataException($"sent byte {data.Offset} where byte {next} was due");
        _next[(int)kind] = next + data.Bytes.Length;
        _received += data.Bytes.Length;
        if (_received > wish.Limit) throw new InvalidDataException($"sent {_received} bytes where {wish.Limit} were asked for");
        if (wish.Times && data.CapturedAt is null) throw new InvalidDataException("did not say when the output was captured");
        return new(kind, wish.Times ? data.CapturedAt.ToDateTimeOffset() : null, data.Bytes.Memory);
    }

    /// <exception cref="InvalidDataException">Not what was due; the message goes on after "server:".</exception>
    public OutputPart Take(V1.OutputGap wire)
    {
        var kind = KindOf(wire.Stream);
        var next = _next[(int)kind] ?? wire.From;
        if (wire.From != next || wire.To <= next) throw new InvalidDataException($"told of a gap from byte {wire.From} to {wire.To} where byte {next} was due");
        _next[(int)kind] = wire.To;
        return new(kind, null, default, OutputGaps.FromWire(wire));
    }

    /// <exception cref="InvalidDataException">Something is missing; the message goes on after "server:".</exception>
    public void End(V1.OutputEnd end)
    {
        foreach (var kind in wish.Kinds)
        {
            var size = wish.Stream is null && kind is OutputKind.Stderr ? end.StderrSize : end.Size;

            // From past the end on there is nothing to send.
            if (_next[(int)kind] is { } next && next != size && (_received > 0 || next < size)) throw new InvalidDataException($"sent {next} bytes of {size}");
        }
    }

    private OutputKind KindOf(V1.OutputStream stream) => stream switch
    {
        V1.OutputStream.Stdout => OutputKind.Stdout,
        V1.OutputStream.Stderr => OutputKind.Stderr,
        _ when wish.Stream is { } only => only,
        _ => throw new InvalidDataException("did not say which stream it sent"),
    } is var kind && wish.Kinds.Contains(kind) ? kind : throw new InvalidDataException($"sent {stream}, which was not asked for");
}
