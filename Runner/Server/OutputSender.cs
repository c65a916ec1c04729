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
            var end = wish.Follow ? await log.WaitPastAsync(offset, cancellationToken) : until;
            if (end <= offset) return;
            await SendAsync(reader, new(kind, offset, end - offset, Ticks: 0), cancellationToken);
            offset = end;
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
                await SendAsync(readers[(int)piece.Kind] ??= _output.Of(piece.Kind).OpenReader(), piece, cancellationToken);
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

    /// <summary>The bytes of a piece, in as many messages as they need.</summary>
    private async Task SendAsync(OutputReader reader, OutputPiece piece, CancellationToken cancellationToken)
    {
        var end = piece.Offset + Math.Min(piece.Length, _left);
        var stream = OutputKinds.ToWire(piece.Kind);
        var time = wish.Times ? Timestamp.FromDateTime(new DateTime(piece.Ticks, DateTimeKind.Utc)) : null;
        var (buffer, size) = buffers.Rent(end - piece.Offset);
        try
        {
            for (var offset = piece.Offset; offset < end;)
            {
                var read = reader.Read(offset, buffer.AsSpan(0, (int)Math.Min(size, end - offset)));

                // The buffer is used again only after the write has serialised it.
                var data = new V1.OutputData { Stream = stream, Offset = offset, Bytes = UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(0, read)), CapturedAt = time };
                await responses.WriteAsync(new V1.StreamOutputResponse { Data = data }, cancellationToken);
                offset += read;
                _left -= read;
            }
        }
        finally
        {
            buffers.Return(buffer);
        }
    }
}
