using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Shared;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Grpc.AspNetCore.Server;

/// <summary>One call that came as an HTTP request; it ends once, and nothing is sent after that.</summary>
internal sealed class HttpContextServerCallContext : ServerCallContext, IDisposable
{
    // So much may wait for a flush when the handler says that more is to come.
    private const int MostUnflushed = 64 * 1024;
    private const int CancelCode = 0x8; // RFC 9113, section 7

    private readonly SemaphoreSlim _writing = new(1);
    private CancellationTokenSource? _deadlinePassed;
    private CancellationTokenSource? _cancelled;
    private Metadata? _requestHeaders;
    private Metadata? _responseTrailers;
    private AuthContext? _authContext;
    private DateTime _deadline = DateTime.MaxValue;
    private volatile bool _ended;

    public HttpContextServerCallContext(HttpContext http, IMethod method)
    {
        HttpContext = http;
        MethodCore = method.FullName;
        http.Response.ContentType = GrpcProtocol.ContentType;
    }

    public HttpContext HttpContext { get; }

    public required int? MaxReceiveMessageSize { get; init; }

    public bool HasEnded => _ended;

    /// <summary>True once reading or writing found the client gone, which may be before the token fires.</summary>
    public bool IsClientGone { get; private set; }

    /// <summary>Never cancelled if there is no deadline.</summary>
    public CancellationToken DeadlinePassed => _deadlinePassed?.Token ?? CancellationToken.None;

    /// <summary>For reading and writing: those end by themselves when the request is aborted, so without a deadline no token is needed.</summary>
    public CancellationToken TransportToken => _cancelled?.Token ?? CancellationToken.None;

    public string? RequestEncoding => HttpContext.Request.Headers.TryGetValue(GrpcProtocol.EncodingHeader, out var value) ? value.ToString() : null;

    protected override string MethodCore { get; }

    protected override string HostCore => HttpContext.Request.Host.Value ?? "";

    protected override string PeerCore
    {
        get
        {
            var connection = HttpContext.Connection;
            return connection.RemoteIpAddress is not { } address ? "unknown:unknown"
                : address.AddressFamily == AddressFamily.InterNetworkV6 ? $"ipv6:[{address}]:{connection.RemotePort}"
                : $"ipv4:{address}:{connection.RemotePort}";
        }
    }

    protected override DateTime DeadlineCore => _deadline;

    protected override Metadata RequestHeadersCore => _requestHeaders ??= ReadRequestHeaders();

    protected override CancellationToken CancellationTokenCore => _cancelled?.Token ?? HttpContext.RequestAborted;

    protected override Metadata ResponseTrailersCore => _responseTrailers ??= [];

    protected override Status StatusCore { get; set; } = Status.DefaultSuccess;

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override AuthContext AuthContextCore => _authContext ??= ReadAuthContext(HttpContext.Connection.ClientCertificate);

    /// <exception cref="RpcException">The header is malformed, or the time is up already.</exception>
    public void StartDeadline()
    {
        if (!HttpContext.Request.Headers.TryGetValue(GrpcProtocol.TimeoutHeader, out var header)) return;
        if (!GrpcTimeout.TryParse(header.ToString(), out var timeout))
            throw new RpcException(new Status(StatusCode.Internal, $"Malformed {GrpcProtocol.TimeoutHeader} '{header}'."));
        var now = DateTime.UtcNow;
        _deadline = timeout < DateTime.MaxValue - now ? now + timeout : DateTime.MaxValue;
        _deadlinePassed = new CancellationTokenSource();
        _cancelled = CancellationTokenSource.CreateLinkedTokenSource(_deadlinePassed.Token, HttpContext.RequestAborted);
        if (timeout == TimeSpan.Zero) _deadlinePassed.Cancel();
        else if (timeout <= GrpcProtocol.LongestTimer) _deadlinePassed.CancelAfter(timeout);
    }

    /// <summary>The next request, or null at the end of the stream.</summary>
    public async ValueTask<T?> ReadAsync<T>(MessageReader<T> reader, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (BadHttpRequestException e) when (e.StatusCode is StatusCodes.Status413PayloadTooLarge)
        {
            throw new RpcException(new Status(StatusCode.ResourceExhausted, "The request is larger than this server takes.", e));
        }
        catch (IOException e)
        {
            throw ClientGone(e);
        }
    }

    /// <summary>Done when the transport took the message; with <paramref name="flush"/> false, when it is in the transport's buffer.</summary>
    public async Task WriteAsync<T>(MessageWriter<T> writer, T message, bool flush, CancellationToken cancellationToken)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(message);
        EnterWrite();
        try
        {
            CancellationToken.ThrowIfCancellationRequested();
            if (!HttpContext.Response.HasStarted) await HttpContext.Response.StartAsync(TransportToken).ConfigureAwait(false);
            try
            {
                writer.Write(message);
            }
            catch when (writer.IsBroken)
            {
                HttpContext.Abort();
                throw;
            }

            if (flush || HttpContext.Response.BodyWriter is { CanGetUnflushedBytes: true, UnflushedBytes: >= MostUnflushed }) await FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Sends the status and the trailers; waits for a write that is still going on.</summary>
    public async Task EndAsync()
    {
        // Never released: no write comes after the end.
        await _writing.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        _ended = true;
        if (DeadlinePassed.IsCancellationRequested) StatusCore = new Status(StatusCode.DeadlineExceeded, "Deadline Exceeded");
        var response = HttpContext.Response;
        var trailers = response.HasStarted ? HttpContext.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers : response.Headers;
        try
        {
            if (_responseTrailers is not null) GrpcRequest.Append(trailers, _responseTrailers);
        }
        catch (InvalidOperationException e)
        {
            // A trailer that is no ASCII: the call ends with a status all the same.
            StatusCore = new Status(StatusCode.Internal, e.Message);
        }

        GrpcRequest.SetStatus(trailers, StatusCore);
    }

    public void Dispose()
    {
        _cancelled?.Dispose();
        _deadlinePassed?.Dispose();
    }

    protected override async Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
    {
        EnterWrite();
        try
        {
            if (HttpContext.Response.HasStarted) throw new InvalidOperationException("Response headers can only be sent once per call.");
            GrpcRequest.Append(HttpContext.Response.Headers, responseHeaders);
            await HttpContext.Response.StartAsync(TransportToken).ConfigureAwait(false);
            await FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    private void EnterWrite()
    {
        if (_writing.Wait(0, CancellationToken.None)) return;
        if (!_ended) throw new InvalidOperationException("Can't write the message because the previous write is in progress.");
        CancellationToken.ThrowIfCancellationRequested();
        throw new InvalidOperationException("Can't write the message because the request is complete.");
    }

    private async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();

        // The transport would reset the stream with INTERNAL_ERROR, as of a broken server; CANCEL tells that it was meant, and the call may be made again.
        using var linked = cancellationToken.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, CancellationToken) : null;
        using var reset = linked?.Token.UnsafeRegister(static http => ((HttpContext)http!).Features.Get<IHttpResetFeature>()?.Reset(CancelCode), HttpContext) ?? default;
        var result = await HttpContext.Response.BodyWriter.FlushAsync(TransportToken).ConfigureAwait(false);

        // The transport does not throw by itself.
        if (result.IsCompleted) throw ClientGone(null);
    }

    private OperationCanceledException ClientGone(Exception? cause)
    {
        IsClientGone = true;
        return new OperationCanceledException("The client reset the call.", cause);
    }

    private Metadata ReadRequestHeaders()
    {
        var metadata = new Metadata();
        foreach (var (name, values) in HttpContext.Request.Headers)
            if (!GrpcProtocol.IsReserved(name))
                foreach (var value in values)
                    GrpcProtocol.AddHeader(metadata, name, value ?? "");
        return metadata;
    }

    private static AuthContext ReadAuthContext(X509Certificate2? certificate)
    {
        const string CommonName = "x509_common_name", AlternativeName = "x509_subject_alternative_name";
        var properties = new Dictionary<string, List<AuthProperty>>();
        if (certificate is null) return new AuthContext(null, properties);
        Add(CommonName, certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false));
        foreach (var name in certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(names => names.EnumerateDnsNames())) Add(AlternativeName, name);
        return new AuthContext(properties.ContainsKey(AlternativeName) ? AlternativeName : CommonName, properties);

        void Add(string name, string value)
        {
            if (!properties.TryGetValue(name, out var list)) properties[name] = list = [];
            list.Add(AuthProperty.Create(name, System.Text.Encoding.UTF8.GetBytes(value)));
        }
    }
}
