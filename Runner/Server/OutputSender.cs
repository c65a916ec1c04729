using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Runner.Jobs;
using Runner.Output;
using Runner.Wire;

namespace Runner.Server;

/// <summary>
/// Sends one follower what it wishes of a job's output, at its own pace. A buffer is held only while something is sent, so
/// that one who waits for a quiet job costs little.
/// </summary>
sealed class OutputSender(Job job, OutputWish wish, SendBuffers buffers, IServerStreamWriter<V1.StreamOutputResponse> responses)
{
    private readonly JobOutput _output = job.Output;
    private long _left = wish.Limit ?? long.MaxValue;

    /// <summary>Descriptors that it holds.</summary>
    public static int Files(OutputWish wish) => wish.Kinds.Count + (IsByPiece(wish) ? 1 : 0);

    public async Task SendAsync(CancellationToken cancellationToken)
    {
        // Looked at before anything is read: a job that ends after it may have written more than was read.
        var isWhole = wish.Follow || job.Ended.IsCompleted;
        if (IsByPiece(wish)) await SendPiecesAsync(cancellationToken);
        else await SendStreamAsync(wish.Kinds[0], cancellationToken);
        if (isWhole && _left > 0) await responses.WriteAsync(new V1.StreamOutputResponse { End = End() }, cancellationToken);
    }

    private static bool IsByPiece(OutputWish wish) => wish.Times || wish.Stream is null || wish.Begin is OutputBegin.Since;

    private V1.OutputEnd End() => wish.Stream is { } kind
        ? new() { Size = _output.Of(kind).Length }
        : new() { Size = _output.Stdout.Length, StderrSize = _output.Stderr.Length };

    private async Task SendStreamAsync(OutputKind kind, CancellationToken cancellationToken)
    {
        var log = _output.Of(kind);
        var until = log.Length;
        using var reader = log.OpenReader();
        var begin = await PieceReader.OffsetOfAsync(wish.Begin, log, cancellationToken);
        await TellBeginAsync(kind, begin, cancellationToken);
        for (var offset = begin; (wish.Follow || offset < until) && _left > 0;)
        {
            // What is dropped is told when that begins, and the rest of it at the end.
            var past = log.IsDropping && offset > log.KeptEnd ? long.MaxValue : offset;
            var end = wish.Follow ? await log.WaitPastAsync(past, cancellationToken) : until;
            if (end <= offset) return;
            offset = await SendAsync(reader, new(kind, offset, end - offset, Ticks: 0), cancellationToken);
        }
    }

    private async Task SendPiecesAsync(CancellationToken cancellationToken)
    {
        using var pieces = await PieceReader.OpenAsync(_output, wish, cancellationToken);
        var until = wish.Follow ? long.MaxValue : pieces.Count;
        foreach (var kind in wish.Kinds) await TellBeginAsync(kind, pieces.NextOf(kind), cancellationToken);
        var readers = new OutputReader?[2];
        try
        {
            while (_left > 0 && await pieces.ReadAsync(until, cancellationToken) is { } piece)
                pieces.Skip(piece.Kind, await SendAsync(readers[(int)piece.Kind] ??= _output.Of(piece.Kind).OpenReader(), piece, cancellationToken));
        }
        finally
        {
            foreach (var reader in readers) reader?.Dispose();
        }
    }

    /// <summary>Only this server knows where that is, and another may have to go on from there before there was a byte.</summary>
    private async Task TellBeginAsync(OutputKind kind, long offset, CancellationToken cancellationToken)
    {
        if (!wish.Follow || wish.Begin is OutputBegin.At) return;
        var data = new V1.OutputData { Stream = OutputKinds.ToWire(kind), Offset = offset, CapturedAt = wish.Times ? Timestamp.FromDateTime(DateTime.UtcNow) : null };
        await responses.WriteAsync(new V1.StreamOutputResponse { Data = data }, cancellationToken);
    }

    /// <summary>The bytes of a piece, in as many messages as they need, and what of it is gone. Returns what comes next, which is past the piece where more is gone.</summary>
    private async Task<long> SendAsync(OutputReader reader, OutputPiece piece, CancellationToken cancellationToken)
    {
        var (offset, end) = (piece.Offset, piece.Offset + piece.Length);
        var (log, stream) = (_output.Of(piece.Kind), OutputKinds.ToWire(piece.Kind));

        // A disk that has damaged the index may have left any number there.
        var time = wish.Times ? Timestamp.FromDateTime(new DateTime(Math.Clamp(piece.Ticks, 0, DateTime.MaxValue.Ticks), DateTimeKind.Utc)) : null;
        var (buffer, size) = buffers.Rent(Math.Min(piece.Length, _left));
        try
        {
            while (offset < end && _left > 0)
            {
                if (log.GapAt(offset) is { } gap)
                {
                    await responses.WriteAsync(new V1.StreamOutputResponse { Gap = OutputGaps.ToWire(piece.Kind, gap) }, cancellationToken);
                    offset = gap.To;
                    continue;
                }

                // 0: it is gone since the look above.
                var read = reader.Read(offset, buffer.AsSpan(0, (int)Math.Min(size, Math.Min(end - offset, _left))));
                if (read == 0) continue;

                // The buffer is used again only after the write has serialised it.
                var data = new V1.OutputData { Stream = stream, Offset = offset, Bytes = UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(0, read)), CapturedAt = time };
                await responses.WriteAsync(new V1.StreamOutputResponse { Data = data }, cancellationToken);
                offset += read;
                _left -= read;
            }
            return offset;
        }
        finally
        {
            buffers.Return(buffer);
        }
    }
}
