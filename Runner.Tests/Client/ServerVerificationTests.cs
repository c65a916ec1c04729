using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Runner.Access;
using Runner.Certificates;
using Runner.Client;
using Runner.Tests.Certificates;
using Runner.Tests.Server;

namespace Runner.Tests.Client;

public sealed class ServerVerificationTests : IDisposable
{
    private static readonly X509Extension ForServers = CertificateAuthority.Usage(CertificatePurpose.Server);
    private readonly TlsWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task A_server_from_another_authority_is_not_believed()
    {
        using var other = CertificateAuthority.Create("other", null, DateTimeOffset.UtcNow);
        await AssertNotBelieved(other.IssueServer([], 1, DateTimeOffset.UtcNow), "does not vouch for");
    }

    [Fact]
    public async Task A_server_with_a_certificate_from_the_client_authority_is_not_believed() =>
        await AssertNotBelieved(_world.Clients.IssueServer([], 1, DateTimeOffset.UtcNow), "does not vouch for");

    [Fact]
    public async Task A_client_certificate_makes_no_server() =>
        await AssertNotBelieved(_world.Servers.IssueClient("127.0.0.1", Role.Admin, 1, DateTimeOffset.UtcNow), "NotValidForUsage");

    [Fact]
    public async Task A_certificate_that_does_not_say_what_it_is_for_makes_no_server() =>
        await AssertNotBelieved(Issue([HostNames.ForServer([]).ToExtension()], 0, 1), "serverAuth is missing");

    [Theory, InlineData(-10), InlineData(10)]
    public async Task A_server_certificate_outside_its_time_is_not_believed(int startsInDays)
    {
        using var old = CertificateAuthority.Create("old", null, DateTimeOffset.UtcNow.AddDays(-30));
        await AssertNotBelieved(old.IssueServer([], 5, DateTimeOffset.UtcNow.AddDays(startsInDays)), "NotTimeValid", _world.Folder.Write("old.pem", old.CertificatePem));
    }

    [Fact]
    public async Task A_certificate_for_another_host_is_not_believed()
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("build.example.com");
        var problem = await AssertNotBelieved(Issue([ForServers, names.Build()], 0, 1), "certificate for another host (build.example.com)");
        Assert.Contains("make a certificate for 127.0.0.1", problem);
    }

    [Fact]
    public async Task An_address_is_matched_as_an_address_and_never_as_a_name()
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("127.0.0.1");
        await AssertNotBelieved(Issue([ForServers, names.Build()], 0, 1), "certificate for another host");
    }

    // Those that the platform's own server can be brought to show.
    [Theory, InlineData("ca", "it is an authority's"), InlineData("names", "cannot be read")]
    public async Task A_server_with_an_unfit_certificate_is_not_believed(string flaw, string reason) =>
        await AssertNotBelieved(UnfitCertificates.Make(flaw, _world.Folder.At(CertificateFolder.ServerAuthority), _world.Folder.At(CertificateFolder.ServerAuthorityKey), CertificatePurpose.Server), reason);

    [Fact]
    public async Task A_right_server_is_believed_by_the_same_means()
    {
        await using var server = await TlsWorld.ServeAsync(_world.Servers.IssueServer([], 1, DateTimeOffset.UtcNow));
        Assert.Equal("hello", await TlsWorld.AskAsync(server, _world.Handler(server)));
    }

    [Fact]
    public async Task Nothing_listening_is_told_in_a_sentence()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        taken.Stop();
        await AssertTold(port, $"nothing listens at 127.0.0.1:{port}; start `runner serve` there");
    }

    [Fact]
    public async Task A_server_that_does_not_take_the_certificate_is_told_in_a_sentence()
    {
        await using var server = await _world.ServeAsync();
        using var other = CertificateAuthority.Create("other", null, DateTimeOffset.UtcNow);
        var file = _world.Folder.Write("stranger.pem", other.IssueClient("stranger", Role.Admin, 1, DateTimeOffset.UtcNow).Both);
        await AssertTold(server.Port, $"it may not accept {file}, which its log then explains", "stranger.pem");
    }

    [Fact]
    public async Task Something_that_is_no_tls_server_is_told_in_a_sentence()
    {
        using var plain = new TcpListener(IPAddress.Loopback, 0);
        plain.Start();
        var answering = Task.Run(async () =>
        {
            using var connection = await plain.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
            await connection.GetStream().ReadExactlyAsync(new byte[16], TestContext.Current.CancellationToken);
            await connection.GetStream().WriteAsync("SSH-2.0-OpenSSH_9.2p1\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        }, TestContext.Current.CancellationToken);
        var port = ((IPEndPoint)plain.LocalEndpoint).Port;
        await AssertTold(port, $"127.0.0.1:{port}");
        await answering;
    }

    private IssuedCertificate Issue(X509Extension[] extensions, int startsInDays, int days) =>
        _world.Servers.Issue(CertificateAuthority.Name("127.0.0.1"), extensions, days, DateTimeOffset.UtcNow.AddDays(startsInDays));

    private async Task<string> AssertNotBelieved(IssuedCertificate certificate, string reason, string? authority = null)
    {
        await using var server = await TlsWorld.ServeAsync(certificate);
        var profile = _world.Profile(server);
        if (authority is not null) profile = profile with { Authority = authority };
        var error = await Assert.ThrowsAnyAsync<HttpRequestException>(() => TlsWorld.AskAsync(server, ClientTls.CreateHandler(profile)));
        var told = ConnectionTrouble.Explain(error, profile);
        Assert.Contains(reason, told);
        return told!;
    }

    private async Task AssertTold(int port, string sentence, string certificate = CertificateFolder.Admin)
    {
        var profile = new ClientProfile(new Uri($"https://127.0.0.1:{port}"), _world.Folder.At(certificate), null, _world.Folder.At(CertificateFolder.ServerAuthority));
        using var client = new HttpClient(ClientTls.CreateHandler(profile)) { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var error = await Assert.ThrowsAnyAsync<Exception>(() => client.GetStringAsync(profile.Server, TestContext.Current.CancellationToken));
        var told = ConnectionTrouble.Explain(error, profile);
        Assert.True(told?.Contains(sentence, StringComparison.Ordinal), $"{told ?? "nothing"} was told of {error}");
    }
}
