using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Runner.Access;
using Runner.Certificates;
using Runner.Server;
using Runner.Tests.Certificates;

namespace Runner.Tests.Server;

public sealed class MutualTlsTests : IDisposable
{
    private readonly TlsWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory, InlineData("admin"), InlineData("writer"), InlineData("user"), InlineData("reader")]
    public async Task A_caller_is_known_by_the_name_and_role_of_its_certificate(string role)
    {
        await using var server = await _world.ServeAsync();
        Assert.True(Roles.TryParse(role, out var granted));
        var certificate = _world.Clients.IssueClient("Zoë, \"Z\" + co", granted, 1, DateTimeOffset.UtcNow);
        Assert.Equal($"Zoë, \"Z\" + co {role}", await TlsWorld.AskAsync(server, _world.Handler(server, certificate)));
        Assert.Empty(_world.Log.Lines);
    }

    [Theory, InlineData("127.0.0.1"), InlineData("localhost")]
    public async Task The_product_s_client_and_server_understand_each_other(string host)
    {
        await using var server = await _world.ServeAsync();
        Assert.Equal("admin admin", await TlsWorld.AskAsync(server, _world.Handler(server), host));
    }

    [Fact]
    public async Task A_caller_stays_the_same_on_every_request_of_a_connection()
    {
        await using var server = await _world.ServeAsync();
        using var client = new HttpClient(_world.Handler(server)) { DefaultRequestVersion = new(2, 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => client.GetStringAsync(new Uri($"https://127.0.0.1:{server.Port}/"), TestContext.Current.CancellationToken)));
        Assert.All(answers, answer => Assert.Equal("admin admin", answer));
    }

    [Fact]
    public async Task No_client_certificate_is_refused()
    {
        await using var server = await _world.ServeAsync();
        var handler = _world.Handler(server);
        handler.SslOptions.ClientCertificateContext = null;
        await AssertRefused(server, handler, "it sent no client certificate");
    }

    [Fact]
    public async Task Tls_1_2_is_refused()
    {
        await using var server = await _world.ServeAsync();
        var handler = _world.Handler(server);
        handler.SslOptions.EnabledSslProtocols = SslProtocols.Tls12;
        await Assert.ThrowsAsync<HttpRequestException>(() => TlsWorld.AskAsync(server, handler));
    }

    [Fact]
    public async Task A_connection_speaks_tls_1_3_and_http_2()
    {
        await using var server = await _world.ServeAsync();
        using var tcp = new TcpClient("127.0.0.1", server.Port);
        await using var tls = new SslStream(tcp.GetStream());
        var options = _world.Handler(server).SslOptions;
        options.TargetHost = "127.0.0.1";
        await tls.AuthenticateAsClientAsync(options, TestContext.Current.CancellationToken);
        Assert.Equal(SslProtocols.Tls13, tls.SslProtocol);
        Assert.Equal(SslApplicationProtocol.Http2, tls.NegotiatedApplicationProtocol);
        Assert.True(tls.IsMutuallyAuthenticated);
    }

    [Fact]
    public async Task A_certificate_from_another_authority_is_refused_though_its_name_is_the_same()
    {
        await using var server = await _world.ServeAsync();
        using var ours = X509Certificate2.CreateFromPem(_world.Clients.CertificatePem);
        using var impostor = CertificateAuthority.Create(ours.GetNameInfo(X509NameType.SimpleName, forIssuer: false), null, DateTimeOffset.UtcNow);
        await AssertRefused(server, _world.Handler(server, impostor.IssueClient("eve", Role.Admin, 1, DateTimeOffset.UtcNow)), "not acceptable");
    }

    [Fact]
    public async Task A_client_certificate_from_the_server_authority_is_refused()
    {
        await using var server = await _world.ServeAsync();
        await AssertRefused(server, _world.Handler(server, _world.Servers.IssueClient("eve", Role.Admin, 1, DateTimeOffset.UtcNow)), "not acceptable");
    }

    [Fact]
    public async Task The_server_s_own_certificate_is_no_client_certificate()
    {
        await using var server = await _world.ServeAsync();
        var file = _world.Certificates.AddServer("other", []);
        using var certificate = X509Certificate2.CreateFromPemFile(file);
        var handler = _world.Handler(server);
        handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true);
        await AssertRefused(server, handler, "not acceptable");
    }

    [Fact]
    public async Task A_self_signed_certificate_is_refused()
    {
        await using var server = await _world.ServeAsync();
        using var self = CertificateAuthority.Create("admin", null, DateTimeOffset.UtcNow);
        using var key = SigningKey.Create(null);
        var request = new CertificateRequest(CertificateAuthority.Name("admin"), key.Generator.PublicKey, System.Security.Cryptography.HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(RoleExtension.Create(Role.Admin));
        request.CertificateExtensions.Add(CertificateAuthority.Usage(CertificatePurpose.Client));
        using var certificate = request.Create(request.SubjectName, key.Generator, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), [1]);
        await AssertRefused(server, _world.Handler(server, new IssuedCertificate(certificate.ExportCertificatePem(), key.ToPem())), "not acceptable");
    }

    [Fact]
    public async Task An_authority_s_own_certificate_is_no_client_certificate()
    {
        await using var server = await _world.ServeAsync();
        await AssertRefused(server, _world.Handler(server, new IssuedCertificate(_world.Clients.CertificatePem, _world.Clients.ExportKey())), "");
    }

    [Theory, InlineData(-10, 5), InlineData(10, 5)]
    public async Task A_certificate_outside_its_time_is_refused(int startsInDays, int days)
    {
        await using var server = await _world.ServeAsync();
        // An authority old enough to have signed what is expired by now.
        using var authority = CertificateAuthority.Create("old", null, DateTimeOffset.UtcNow.AddDays(-30));
        _world.Folder.Write("old-ca.pem", authority.CertificatePem);
        await using var old = await ServeWith("old-ca.pem");
        var certificate = authority.IssueClient("alice", Role.Admin, days, DateTimeOffset.UtcNow.AddDays(startsInDays));
        await AssertRefused(old, _world.Handler(old, certificate), "NotTimeValid");
    }

    [Fact]
    public async Task A_certificate_for_servers_is_refused_even_from_the_client_authority()
    {
        await using var server = await _world.ServeAsync();
        var certificate = _world.Clients.Issue(CertificateAuthority.Name("eve"), [CertificateAuthority.Usage(CertificatePurpose.Server), RoleExtension.Create(Role.Admin)], 1, DateTimeOffset.UtcNow);
        await AssertRefused(server, _world.Handler(server, certificate), "NotValidForUsage");
    }

    [Fact]
    public async Task A_certificate_that_does_not_say_what_it_is_for_is_refused()
    {
        await using var server = await _world.ServeAsync();
        var certificate = _world.Clients.Issue(CertificateAuthority.Name("eve"), [RoleExtension.Create(Role.Admin)], 1, DateTimeOffset.UtcNow);
        await AssertRefused(server, _world.Handler(server, certificate), "clientAuth is missing");
    }

    [Fact]
    public async Task A_certificate_without_a_role_is_refused_in_the_handshake()
    {
        await using var server = await _world.ServeAsync();
        var certificate = _world.Clients.Issue(CertificateAuthority.Name("eve"), [CertificateAuthority.Usage(CertificatePurpose.Client)], 1, DateTimeOffset.UtcNow);
        await AssertRefused(server, _world.Handler(server, certificate), "it carries no role");
    }

    [Fact]
    public async Task A_refused_client_gets_in_on_no_later_attempt_either()
    {
        await using var server = await _world.ServeAsync();
        var certificate = _world.Clients.Issue(CertificateAuthority.Name("eve"), [CertificateAuthority.Usage(CertificatePurpose.Client)], 1, DateTimeOffset.UtcNow);
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var handler = _world.Handler(server, certificate);
            // What a hostile client would try: to come back on a ticket.
            handler.SslOptions.AllowTlsResume = true;
            await AssertRefused(server, handler, "it carries no role");
        }
    }

    [Fact]
    public async Task Renewed_certificates_are_used_from_the_next_connection_on()
    {
        var trust = ServerTrust.Load(ServerFiles.Resolve(null, null, null, _world.Folder.Path, _ => { }));
        await using var server = await TlsWorld.ServeAsync(listen => listen.UseMutualTls(() => trust, _world.Log));
        Assert.Equal("admin admin", await TlsWorld.AskAsync(server, _world.Handler(server)));

        using var authority = CertificateAuthority.Create("new", null, DateTimeOffset.UtcNow);
        var files = ServerFiles.Resolve(_world.Folder.At(CertificateFolder.Server), null, _world.Folder.Write("new-ca.pem", authority.CertificatePem), "/nowhere", _ => { });
        trust = ServerTrust.Load(files);
        await AssertRefused(server, _world.Handler(server), "not acceptable");
        Assert.Equal("bob user", await TlsWorld.AskAsync(server, _world.Handler(server, authority.IssueClient("bob", Role.User, 1, DateTimeOffset.UtcNow))));
    }

    // Those that the platform's own client can be brought to show.
    [Theory, InlineData("ca", "it is an authority's"), InlineData("names", "cannot be read")]
    public async Task An_unfit_certificate_is_refused_though_its_authority_is_the_right_one(string flaw, string reason)
    {
        await using var server = await _world.ServeAsync();
        var certificate = UnfitCertificates.Make(flaw, _world.Folder.At(CertificateFolder.ClientAuthority), _world.Folder.At(CertificateFolder.ClientAuthorityKey), CertificatePurpose.Client);
        await AssertRefused(server, _world.Handler(server, certificate), reason);
    }

    private Task<TestServer> ServeWith(string clientAuthority)
    {
        var trust = ServerTrust.Load(ServerFiles.Resolve(_world.Folder.At(CertificateFolder.Server), null, _world.Folder.At(clientAuthority), "/nowhere", _ => { }));
        return TlsWorld.ServeAsync(listen => listen.UseMutualTls(() => trust, _world.Log));
    }

    /// <summary>Refused, told why in the log, and nothing of the certificate's text in it.</summary>
    private async Task AssertRefused(TestServer server, SocketsHttpHandler handler, string reason)
    {
        var before = _world.Log.Lines.Count;
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => TlsWorld.AskAsync(server, handler));
        // A client may try again by itself; each try has its line.
        var line = _world.Log.Lines.Skip(before).First();
        Assert.StartsWith("Refused a connection from 127.0.0.1:", line);
        Assert.Contains(reason, line);
        Assert.DoesNotContain("eve", line);
    }
}
