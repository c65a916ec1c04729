using Grpc.Core;
using Grpc.Shared;

namespace Grpc.Net.Client;

/// <summary>The responses of one call.</summary>
internal sealed class ClientStreamReader<TRequest, TResponse>(ClientCall<TRequest, TResponse> call, Task<MessageReader<TResponse>?> started) : IAsyncStreamReader<TResponse>
    where TRequest : class
    where TResponse : class
{
    private TResponse? _current;
    private int _moving;

    public TResponse Current => _current ?? throw new InvalidOperationException("No current element is available.");

    /// <param name="cancellationToken">Ends the whole call: there is no reading on after a message that was read in part.</param>
    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _moving, 1) == 1) throw new InvalidOperationException("Can't read the next message because the previous read is still in progress.");
        _current = null;
        try
        {
            using (cancellationToken.UnsafeRegister(static call => ((ClientCall<TRequest, TResponse>)call!).Cancel(), call))
                _current = await call.ReadAsync(started).ConfigureAwait(false);
            return _current is not null;
        }
        finally
        {
            Volatile.Write(ref _moving, 0);
        }
    }
}

/// <summary>The requests of one call; with <paramref name="response"/>, that task knows how the call ended.</summary>
internal sealed class ClientStreamWriter<TRequest, TResponse>(ClientCall<TRequest, TResponse> call, StreamContent<TRequest> content, WriteOptions? writeOptions, Task<TResponse>? response)
    : IClientStreamWriter<TRequest>
    where TRequest : class
    where TResponse : class
{
    private int _writing;
    private bool _complete;

    public WriteOptions? WriteOptions { get; set; } = writeOptions;

    public Task WriteAsync(TRequest message) => WriteAsync(message, CancellationToken.None);

    /// <param name="message">What to send.</param>
    /// <param name="cancellationToken">Ends the whole call: there is no writing on after a message that was sent in part.</param>
    public async Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (_complete) throw new InvalidOperationException("Request stream has already been completed.");
        if (Interlocked.Exchange(ref _writing, 1) == 1) throw new InvalidOperationException("Can't write the message because the previous write is in progress.");
        try
        {
            call.ThrowIfEnded();
            using (cancellationToken.UnsafeRegister(static call => ((ClientCall<TRequest, TResponse>)call!).Cancel(), call))
                await SendAsync(message).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }

    public Task CompleteAsync()
    {
        _complete = true;
        content.Close();
        return Task.CompletedTask;
    }

    private async Task SendAsync(TRequest message)
    {
        try
        {
            await content.WriteAsync(message, flush: WriteOptions is not { MayWait: true }, call.Stopped).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not RpcException)
        {
            // The server may have ended the call early; that says more than the broken write. A serializer's error says it all itself.
            var isBroken = e is IOException or OperationCanceledException or ObjectDisposedException;
            if (isBroken && response is not null) await ((Task)response).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            call.ThrowIfEnded();

            // There may be responses to read still, and what comes after them tells how the call ended.
            throw isBroken && response is null ? new RpcException(new Status(StatusCode.Cancelled, "The server takes no more requests of this call.", e)) : call.Fail(e);
        }
    }
}
