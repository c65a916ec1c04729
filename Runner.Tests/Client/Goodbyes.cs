using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Runner.Certificates;
using Runner.Client;
using Runner.Tests.Server;

namespace Runner.Tests.Client;

/// <summary>Stands before a server and says goodbye on the first connections, as the server itself does to who arrives while it makes way; the others it leaves to the server.</summary>
sealed class Goodbyes : IAsyncDisposable
{
    // RFC 9113, sections 4.1, 6.5 and 6.8: SETTINGS without any; eight bytes of GOAWAY on no stream, of which the last is 0, and NO_ERROR.
    private static readonly byte[] s_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0], s_goodbye = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly Task _serving;
    private readonly byte[] _words;

    /// <param name="world">Whose certificate is shown.</param>
    /// <param name="server">Who answers then.</param>
    /// <param name="times">How often goodbye is said.</param>
    /// <param name="afterSettings">It is not the first that is said.</param>
    public Goodbyes(TlsWorld world, TestServer server, int times, bool afterSettings)
    {
        _words = afterSettings ? [.. s_settings, .. s_goodbye] : s_goodbye;
        _listener.Start();
        Profile = world.Profile(server) with { Server = new Uri($"https://{_listener.LocalEndpoint}") };
        _serving = ServeAsync(X509Certificate2.CreateFromPemFile(world.Folder.At(CertificateFolder.Server)), server.Port, times);
    }

    public ClientProfile Profile { get; }

    /// <summary>How often it was said.</summary>
    public int Said { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _serving.ContinueWith(_ => { }, TaskScheduler.Default);
        _listener.Dispose();
        _over.Dispose();
    }

    private async Task ServeAsync(X509Certificate2 certificate, int port, int times)
    {
        using var _ = certificate;
        while (true)
        {
            using var caller = await _listener.AcceptTcpClientAsync(_over.Token);
            if (Said < times) await SayAsync(caller.GetStream(), certificate);
            else await LeaveAsync(caller.GetStream(), port);
        }
    }

    private async Task SayAsync(Stream stream, X509Certificate2 certificate)
    {
        using var tls = new SslStream(stream);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate, ApplicationProtocols = [SslApplicationProtocol.Http2] }, _over.Token);
        Said++;
        await tls.WriteAsync(_words, _over.Token);
        await tls.ShutdownAsync();
        await tls.CopyToAsync(Stream.Null, _over.Token).ContinueWith(_ => { }, TaskScheduler.Default);
    }

    private async Task LeaveAsync(Stream stream, int port)
    {
        using var server = new TcpClient();
        await server.ConnectAsync(IPAddress.Loopback, port, _over.Token);
        await Task.WhenAny(stream.CopyToAsync(server.GetStream(), _over.Token), server.GetStream().CopyToAsync(stream, _over.Token));
    }
}
