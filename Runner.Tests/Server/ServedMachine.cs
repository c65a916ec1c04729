using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using Grpc.Net.Client;
using Runner.Access;
using Runner.Certificates;
using Runner.Client;
using Runner.Jobs;
using Runner.Server;
using Runner.Tests.Support;

namespace Runner.Tests.Server;

/// <summary>The whole server in this process: TLS, gate and API over a real machine, and clients of every role.</summary>
sealed class ServedMachine : IAsyncDisposable
{
    private readonly TlsWorld _world = new();
    private readonly List<IDisposable> _open = [];
    private RunnerServer _server = null!;

    private ServedMachine(int mostRunning, IStateDisk? disk) => Machine = new(mostRunning: mostRunning, disk: disk);

    public Machine Machine { get; }

    public CapturedLog Log => _world.Log;

    public CertificateAuthority Clients => _world.Clients;

    public static async Task<ServedMachine> StartAsync(ServerLimits? limits = null, int mostRunning = 1000, IStateDisk? disk = null)
    {
        var served = new ServedMachine(mostRunning, disk);
        var trust = ServerTrust.Load(ServerFiles.Resolve(null, null, null, served._world.Folder.Path, _ => { }));
        served._server = await RunnerServer.StartAsync(
            new IPEndPoint(IPAddress.Loopback, 0), () => trust, served.Machine.Jobs, served.Machine.Removal, new ServerFacts("0", "v2"), limits ?? ServerLimits.Of(1024), served.Log);
        return served;
    }

    public Uri Address => new($"https://127.0.0.1:{_server.Listening.Port}");

    /// <summary>A new connection's worth of client settings, with a certificate made for it.</summary>
    public SocketsHttpHandler Handler(string name, Role role) => Handler(Clients.IssueClient(name, role, 1, DateTimeOffset.UtcNow));

    public SocketsHttpHandler Handler(IssuedCertificate certificate)
    {
        var handler = ClientTls.CreateHandler(new ClientProfile(
            Address, _world.Folder.At(CertificateFolder.Admin), null, _world.Folder.At(CertificateFolder.ServerAuthority)));
        handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(TlsWorld.Load(certificate), null, offline: true);
        return handler;
    }

    public GrpcChannel Channel(string name, Role role) => Channel(Handler(name, role));

    public GrpcChannel Channel(SocketsHttpHandler handler) =>
        Keep(GrpcChannel.ForAddress(Address, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true }));

    public V1.JobService.JobServiceClient Jobs(string name, Role role) => new(Channel(name, role));

    public HttpClient Http(string name, Role role) => Keep(new HttpClient(Handler(name, role)));

    /// <summary>A POST as gRPC makes it, whose body comes as its maker likes.</summary>
    public HttpRequestMessage Post(string path, HttpContent body)
    {
        body.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        return new(HttpMethod.Post, new Uri(Address, path)) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = body };
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var open in _open) open.Dispose();
        await _server.DisposeAsync();
        Machine.Dispose();
        _world.Dispose();
    }

    private T Keep<T>(T open) where T : IDisposable
    {
        lock (_open) _open.Add(open);
        return open;
    }
}

/// <summary>A body that sends what it has and never ends.</summary>
sealed class EndlessContent(byte[] start) : HttpContent
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await stream.WriteAsync(start);
        await stream.FlushAsync();
        await new TaskCompletionSource().Task;
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
