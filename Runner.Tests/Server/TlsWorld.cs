using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Runner.Access;
using Runner.Certificates;
using Runner.Client;
using Runner.Server;
using Runner.Tests.Support;

namespace Runner.Tests.Server;

/// <summary>Both authorities in a folder, and real servers and clients over loopback that use them.</summary>
sealed class TlsWorld : IDisposable
{
    // Made once and kept in memory: no folder outlives its test.
    private static readonly Lazy<IReadOnlyList<(string File, byte[] Content, UnixFileMode Mode)>> s_template = new(() =>
    {
        using var folder = new TemporaryFolder();
        new CertificateFolder(folder.Path).Initialise([]);
        return [.. CertificateFolder.All.Select(file => (file, File.ReadAllBytes(folder.At(file)), File.GetUnixFileMode(folder.At(file))))];
    });

    public TemporaryFolder Folder { get; } = new();

    public CapturedLog Log { get; } = new();

    public TlsWorld()
    {
        foreach (var (file, content, mode) in s_template.Value)
        {
            File.WriteAllBytes(Folder.At(file), content);
            File.SetUnixFileMode(Folder.At(file), mode);
        }
        Certificates = new(Folder.Path);
        Servers = CertificateAuthority.Load(Folder.At(CertificateFolder.ServerAuthority), Folder.At(CertificateFolder.ServerAuthorityKey));
        Clients = CertificateAuthority.Load(Folder.At(CertificateFolder.ClientAuthority), Folder.At(CertificateFolder.ClientAuthorityKey));
    }

    public CertificateFolder Certificates { get; }

    public CertificateAuthority Servers { get; }

    public CertificateAuthority Clients { get; }

    /// <summary>A server as the product makes it, which answers every request with the caller's name and role.</summary>
    public Task<TestServer> ServeAsync()
    {
        var trust = ServerTrust.Load(ServerFiles.Resolve(null, null, null, Folder.Path, _ => { }));
        return ServeAsync(listen => listen.UseMutualTls(() => trust, Log));
    }

    /// <summary>The same TLS, with answers made by the test.</summary>
    public Task<TestServer> ServeAsync(RequestDelegate answer)
    {
        var trust = ServerTrust.Load(ServerFiles.Resolve(null, null, null, Folder.Path, _ => { }));
        return ServeAsync(listen => listen.UseMutualTls(() => trust, Log), answer);
    }

    /// <summary>The same on a listener configured by hand.</summary>
    public static Task<TestServer> ServeAsync(Action<ListenOptions> configure) => ServeAsync(configure, context =>
    {
        var caller = Callers.OfConnection(context);
        return context.Response.WriteAsync($"{caller.Name} {caller.Role.Word()}");
    });

    /// <summary>A server with any certificate at all, which asks for none.</summary>
    public static Task<TestServer> ServeAsync(IssuedCertificate certificate) =>
        ServeAsync(
            listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                // By a callback, because the plain way refuses certificates that are not for servers.
                var options = new SslServerAuthenticationOptions { ServerCertificate = Load(certificate) };
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(options) });
            },
            context => context.Response.WriteAsync("hello"));

    public ClientProfile Profile(TestServer server, string certificate = CertificateFolder.Admin, string host = "127.0.0.1") =>
        new(new Uri($"https://{host}:{server.Port}"), Folder.At(certificate), null, Folder.At(CertificateFolder.ServerAuthority));

    public SocketsHttpHandler Handler(TestServer server) => ClientTls.CreateHandler(Profile(server));

    /// <summary>A client that shows whatever certificate it is given, fit or not.</summary>
    public SocketsHttpHandler Handler(TestServer server, IssuedCertificate certificate)
    {
        var handler = Handler(server);
        handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(Load(certificate), null, offline: true);
        return handler;
    }

    public static async Task<string> AskAsync(TestServer server, SocketsHttpHandler handler, string host = "127.0.0.1")
    {
        using var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(20) };
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{host}:{server.Port}/")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    public static X509Certificate2 Load(IssuedCertificate certificate) => X509Certificate2.CreateFromPem(certificate.Certificate, certificate.Key);

    public void Dispose()
    {
        Servers.Dispose();
        Clients.Dispose();
        Folder.Dispose();
    }

    private static async Task<TestServer> ServeAsync(Action<ListenOptions> configure, RequestDelegate answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, configure));
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync(TestContext.Current.CancellationToken);
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new(app, new Uri(address).Port);
    }
}

/// <summary>A server on a port of its own.</summary>
sealed class TestServer(WebApplication app, int port) : IAsyncDisposable
{
    public int Port => port;

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
