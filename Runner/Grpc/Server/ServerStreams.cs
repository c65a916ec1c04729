using Grpc.Core;
using Grpc.Shared;

namespace Grpc.AspNetCore.Server;

/// <summary>The requests of one call.</summary>
internal sealed class ServerStreamReader<T>(HttpContextServerCallContext context, MessageReader<T> reader) : IAsyncStreamReader<T>
    where T : class
{
    private T? _current;
    private bool _atEnd;

    public T Current => _current ?? throw new InvalidOperationException("No current element is available.");

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        _current = null;
        if (_atEnd) return false;
        context.CancellationToken.ThrowIfCancellationRequested();
        using var linked = cancellationToken.CanBeCanceled && cancellationToken != context.CancellationToken
            ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, context.CancellationToken)
            : null;
        _current = await context.ReadAsync(reader, linked?.Token ?? context.TransportToken).ConfigureAwait(false);
        _atEnd = _current is null;
        return !_atEnd;
    }
}

/// <summary>The responses of one call.</summary>
internal sealed class ServerStreamWriter<T>(HttpContextServerCallContext context, MessageWriter<T> writer) : IServerStreamWriter<T>
    where T : class
{
    public WriteOptions? WriteOptions
    {
        get => context.WriteOptions;
        set => context.WriteOptions = value;
    }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(T message, CancellationToken cancellationToken) =>
        context.WriteAsync(writer, message, flush: context.WriteOptions is not { MayWait: true }, cancellationToken);
}
