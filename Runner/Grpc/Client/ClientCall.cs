using System.IO.Pipelines;
using System.Net;
using Grpc.Core;
using Grpc.Shared;

namespace Grpc.Net.Client;

/// <summary>One call to a server, as one HTTP request; it ends once, with a status, whatever happens.</summary>
internal sealed class ClientCall<TRequest, TResponse> : IDisposable
    where TRequest : class
    where TResponse : class
{
    // A message of 64 KiB is read in one piece.
    private static readonly StreamPipeReaderOptions PipeOptions = new(bufferSize: 72 * 1024, minimumReadSize: 4096);

    private readonly GrpcChannel _channel;
    private readonly Method<TRequest, TResponse> _method;
    private readonly string? _host;
    private readonly CallOptions _options;
    private readonly TaskCompletionSource<Metadata> _headers = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private CancellationTokenRegistration _callersToken;
    private Timer? _deadline;
    private GrpcContent? _content;
    private HttpResponseMessage? _response;
    private volatile Ending? _ending;

    public ClientCall(GrpcChannel channel, Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        ObjectDisposedException.ThrowIf(channel.IsDisposed, channel);
        (_channel, _method, _host, _options) = (channel, method, host, options);
    }

    public Task<Metadata> ResponseHeaders => _headers.Task;

    /// <summary>Fires when the call has ended.</summary>
    public CancellationToken Stopped => _stop.Token;

    public MessageWriter<TRequest> Writer(PipeWriter pipe) => new(pipe, _method.RequestMarshaller, _channel.MaxSendMessageSize);

    /// <summary>Sends the request; the result is where the responses are, or null if the call ended without any.</summary>
    public Task<MessageReader<TResponse>?> Start(GrpcContent content)
    {
        _content = content;
        var request = NewRequest(content);
        if (_options.Deadline is { } deadline && deadline != DateTime.MaxValue) StartDeadline(request, deadline);
        _callersToken = _options.CancellationToken.UnsafeRegister(static call => ((ClientCall<TRequest, TResponse>)call!).Cancel(), this);
        return StartAsync(request);
    }

    public async Task<TResponse> ReadOnlyMessageAsync(Task<MessageReader<TResponse>?> started)
    {
        var response = await ReadAsync(started).ConfigureAwait(false);
        if (response is not null && await ReadAsync(started).ConfigureAwait(false) is not null) End(new Status(StatusCode.Internal, "More than one response message received."), Metadata.Empty);
        if (GetStatus().StatusCode != StatusCode.OK) throw _ending!.ToException();
        return response ?? throw new RpcException(new Status(StatusCode.Internal, "The server answered without a message."), GetTrailers());
    }

    /// <summary>The next response, or null when the call ended well.</summary>
    /// <exception cref="RpcException">The call ended otherwise.</exception>
    public async ValueTask<TResponse?> ReadAsync(Task<MessageReader<TResponse>?> started)
    {
        var reader = await started.ConfigureAwait(false);
        if (reader is null || _ending is not null) return NoMoreMessages();
        try
        {
            if (await reader.ReadAsync(_stop.Token).ConfigureAwait(false) is { } message) return message;
            var trailers = _response!.TrailingHeaders;
            End(HttpStatuses.ReadStatus(trailers) ?? new Status(StatusCode.Internal, "No grpc-status found on response."), HttpStatuses.ReadMetadata(trailers));
        }
        catch (Exception e)
        {
            Fail(e);
        }

        reader.Complete();
        return NoMoreMessages();
    }

    /// <exception cref="InvalidOperationException">The call has not ended.</exception>
    public Status GetStatus() => _ending?.Status ?? throw new InvalidOperationException("Unable to get the status because the call is not complete.");

    /// <exception cref="InvalidOperationException">The call has not ended.</exception>
    public Metadata GetTrailers() => _ending?.Trailers ?? throw new InvalidOperationException("Unable to get the trailers because the call is not complete.");

    public void Cancel() => End(new Status(StatusCode.Cancelled, "Call canceled by the client."), Metadata.Empty);

    public void Dispose() => End(new Status(StatusCode.Cancelled, "gRPC call disposed."), Metadata.Empty);

    public void ThrowIfEnded()
    {
        if (_ending is not { } ending) return;
        throw ending.Status.StatusCode == StatusCode.OK ? new InvalidOperationException("Can't write the message because the call is complete.") : ending.ToException();
    }

    /// <summary>Ends the call, unless it has ended, for the reason that the exception tells.</summary>
    public RpcException Fail(Exception exception)
    {
        // A connection that breaks while the request is sent cancels the content; what the handler throws then says more.
        var cause = _content?.Failure is { } failure and not OperationCanceledException ? failure : exception;
        End(cause is RpcException rpc ? rpc.Status : HttpStatuses.FromException(cause), Metadata.Empty);
        return _ending!.ToException();
    }

    private HttpRequestMessage NewRequest(GrpcContent content)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_channel.Address, _method.FullName))
        {
            Content = content,
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation("user-agent", "grpc-dotnet");
        request.Headers.TryAddWithoutValidation(GrpcProtocol.AcceptEncodingHeader, GrpcProtocol.IdentityEncoding);
        if (_host is not null) request.Headers.Host = _host;
        foreach (var header in _options.Headers ?? Metadata.Empty) request.Headers.TryAddWithoutValidation(header.Key, header.ToHeader());
        return request;
    }

    private void StartDeadline(HttpRequestMessage request, DateTime deadline)
    {
        if (deadline.Kind != DateTimeKind.Utc && deadline != DateTime.MinValue) throw new InvalidOperationException("Deadline must have a kind DateTimeKind.Utc or be equal to DateTime.MaxValue or DateTime.MinValue.");
        var left = deadline - DateTime.UtcNow;
        if (left <= TimeSpan.Zero)
        {
            End(new Status(StatusCode.DeadlineExceeded, ""), Metadata.Empty);
            return;
        }

        request.Headers.TryAddWithoutValidation(GrpcProtocol.TimeoutHeader, GrpcTimeout.Format(left));
        if (left > GrpcProtocol.LongestTimer) return;

        _deadline = new Timer(static call => ((ClientCall<TRequest, TResponse>)call!).End(new Status(StatusCode.DeadlineExceeded, ""), Metadata.Empty), this, left, Timeout.InfiniteTimeSpan);
    }

    private async Task<MessageReader<TResponse>?> StartAsync(HttpRequestMessage request)
    {
        try
        {
            ThrowIfEnded();
            var response = await _channel.SendAsync(request, _stop.Token).ConfigureAwait(false);

            // Either the end of the call sees the response, or the response sees the end.
            Interlocked.Exchange(ref _response, response);
            if (_ending is not null)
            {
                response.Dispose();
                return null;
            }

            var headers = HttpStatuses.ReadMetadata(response.Headers);
            _headers.TrySetResult(headers);
            if (HttpStatuses.ReadHeaders(response) is { } status)
            {
                End(status, headers);
                return null;
            }

            var encoding = response.Headers.NonValidated.TryGetValues(GrpcProtocol.EncodingHeader, out var values) ? values.ToString() : null;
            var body = await response.Content.ReadAsStreamAsync(_stop.Token).ConfigureAwait(false);
            return new MessageReader<TResponse>(PipeReader.Create(body, PipeOptions), _method.ResponseMarshaller, _channel.MaxReceiveMessageSize, encoding);
        }
        catch (Exception e)
        {
            Fail(e);
            return null;
        }
    }

    private TResponse? NoMoreMessages() => GetStatus().StatusCode == StatusCode.OK ? null : throw _ending!.ToException();

    private void End(Status status, Metadata trailers)
    {
        var ending = new Ending(status, trailers);
        if (Interlocked.CompareExchange(ref _ending, ending, null) is not null) return;
        if (status.StatusCode != StatusCode.OK && _headers.TrySetException(ending.ToException())) _ = _headers.Task.Exception;
        _callersToken.Unregister();
        _deadline?.Dispose();

        // Resets the HTTP/2 stream unless it is over.
        _stop.Cancel();
        _response?.Dispose();
        _content?.Dispose();
    }

    /// <summary>How the call ended.</summary>
    private sealed record Ending(Status Status, Metadata Trailers)
    {
        public RpcException ToException() => new(Status, Trailers);
    }
}
