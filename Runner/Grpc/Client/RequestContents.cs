using System.IO.Pipelines;
using System.Net;
using Grpc.Core;
using Grpc.Shared;

namespace Grpc.Net.Client;

/// <summary>A request's body; its length is told by the messages in it.</summary>
internal abstract class GrpcContent : HttpContent
{
    // A message of 64 KiB goes out in one piece.
    private static readonly StreamPipeWriterOptions PipeOptions = new(minimumBufferSize: 4096, leaveOpen: true);

    protected GrpcContent() => Headers.TryAddWithoutValidation("content-type", GrpcProtocol.ContentType);

    /// <summary>A serializer's error: it explains the end of the call better than the transport does.</summary>
    public Exception? Failure { get; protected set; }

    protected static PipeWriter PipeOn(Stream stream) => PipeWriter.Create(stream, PipeOptions);

    protected sealed override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected sealed override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected abstract override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken);
}

/// <summary>One message; it may be sent again on another connection if the first did not take it.</summary>
internal sealed class SingleMessageContent<T>(Func<PipeWriter, MessageWriter<T>> writer, T message) : GrpcContent
    where T : class
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var pipe = PipeOn(stream);
        try
        {
            writer(pipe).Write(message);
        }
        catch (Exception e)
        {
            Failure = e;
            throw;
        }

        await pipe.FlushAsync(cancellationToken).ConfigureAwait(false);
        await pipe.CompleteAsync().ConfigureAwait(false);
    }
}

/// <summary>A body that stays open until it is closed.</summary>
internal sealed class StreamContent<T>(Func<PipeWriter, MessageWriter<T>> writer) : GrpcContent
    where T : class
{
    // So much may wait for a flush when the caller says that more is to come.
    private const int MostUnflushed = 64 * 1024;

    private readonly TaskCompletionSource<PipeWriter> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MessageWriter<T>? _writer;

    /// <summary>Writes wait for the connection, and for the server to read.</summary>
    public async Task WriteAsync(T message, bool flush, CancellationToken cancellationToken)
    {
        var pipe = await _opened.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        (_writer ??= writer(pipe)).Write(message);
        if (flush || pipe.UnflushedBytes >= MostUnflushed) await pipe.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>There are no more messages.</summary>
    public void Close() => _closed.TrySetResult();

    /// <summary>Cuts the body off if it is still open: the server must not take it for complete.</summary>
    protected override void Dispose(bool disposing)
    {
        _closed.TrySetCanceled();
        base.Dispose(disposing);
    }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var pipe = PipeOn(stream);

        // Messages are not kept, so a request that was opened once cannot go to another connection.
        if (!_opened.TrySetResult(pipe)) throw new IOException("The connection did not take the request.");

        // The server sees the call before the first message.
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        await _closed.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        await pipe.CompleteAsync().ConfigureAwait(false);
    }
}
