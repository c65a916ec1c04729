using System.Diagnostics;
using System.IO.Pipes;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Runner.Access;
using Runner.Certificates;
using Runner.Tests.Grpc;
using Runner.Tests.Support;

namespace Runner.Tests.Certificates;

public sealed class CredentialTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CertificateAuthority _authority = CertificateAuthority.Create("test", null, DateTimeOffset.UtcNow.AddDays(-30));
    private readonly IssuedCertificate _server;

    public CredentialTests() => _server = _authority.IssueServer([], 5, DateTimeOffset.UtcNow);

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Certificate_and_key_may_be_in_one_file_in_either_order()
    {
        AssertLoads(_folder.Write("a.pem", _server.Both));
        AssertLoads(_folder.Write("b.pem", _server.Key + "\n" + _server.Certificate));
    }

    [Theory, InlineData("server-key.pem"), InlineData("server.key")]
    public void The_key_may_lie_beside_the_certificate(string keyFile)
    {
        _folder.Write(keyFile, _server.Key);
        AssertLoads(_folder.Write("server.pem", _server.Certificate));
    }

    [Fact]
    public void The_key_may_be_anywhere_when_it_is_named() =>
        AssertLoads(_folder.Write("server.crt", _server.Certificate), _folder.Write("x", _server.Key));

    [Fact]
    public void A_key_in_the_older_form_is_read_too()
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(_server.Key);
        AssertLoads(_folder.Write("server.pem", _server.Certificate), _folder.Write("sec1.key", key.ExportECPrivateKeyPem()));
    }

    [Fact]
    public void A_missing_file_is_named() =>
        AssertProblem("/nowhere.pem does not exist", _folder.Path + "/nowhere.pem");

    [Fact]
    public void A_folder_is_no_certificate() => AssertProblem("cannot read", _folder.Path);

    [Fact]
    public void A_file_without_a_name_is_told() => AssertProblem("'' does not exist", "");

    [Fact]
    public void A_device_without_end_is_no_certificate() => AssertProblem("too large for a PEM file", "/dev/zero");

    [Fact]
    public async Task A_pipe_is_read_to_its_end()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        var writing = Task.Run(() =>
        {
            pipe.Write(Encoding.ASCII.GetBytes(_server.Both));
            pipe.Dispose();
        }, TestContext.Current.CancellationToken);
        Assert.Single(CertificateSummary.OfFile($"/proc/self/fd/{pipe.GetClientHandleAsString()}"));
        await writing;
    }

    [Fact]
    public async Task A_pipe_that_nobody_writes_to_is_empty()
    {
        var path = _folder.At("pipe");
        using var made = Process.Start("mkfifo", path);
        await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        await Task.Run(() => AssertProblem("holds no certificate", path), TestContext.Current.CancellationToken).Soon();
    }

    [Theory, InlineData("2.5.29.17"), InlineData("2.5.29.37"), InlineData("2.5.29.19")]
    public void A_certificate_with_an_extension_that_is_garbage_is_told_wherever_it_is_read(string oid)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=a", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509Extension(oid, [0x30, 0x05, 0x01], critical: false));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        var file = _folder.Write("a.pem", certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());
        AssertProblem($"its extension {oid} cannot be read", file);
        Assert.Throws<CertificateProblem>(() => CertificateSummary.OfFile(file));
        Assert.Throws<CertificateProblem>(() => TrustedAuthorities.Load(file));
    }

    [Fact]
    public void A_file_without_a_certificate_is_told() =>
        AssertProblem("holds no certificate (no BEGIN CERTIFICATE)", _folder.Write("server.pem", _server.Key));

    [Fact]
    public void A_missing_key_is_told_with_every_place_it_was_looked_for()
    {
        var file = _folder.Write("server.pem", _server.Certificate);
        AssertProblem($"no private key in {file}, nor in {_folder.At("server-key.pem")} or {_folder.At("server.key")}; name its file with --key", file);
    }

    [Fact]
    public void A_key_file_without_a_key_is_told() =>
        AssertProblem("holds no private key", _folder.Write("server.pem", _server.Both), _folder.Write("k.pem", _server.Certificate));

    [Theory, InlineData(null), InlineData(2048)]
    public void A_key_that_does_not_fit_is_told_and_never_shown(int? rsaBits)
    {
        using var other = SigningKey.Create(rsaBits);
        var problem = AssertProblem("does not belong to the certificate", _folder.Write("server.pem", _server.Certificate), _folder.Write("k.pem", other.ToPem()));
        Assert.DoesNotContain("PRIVATE", problem.ToString());
    }

    [Fact]
    public void Two_keys_in_one_file_are_refused() => AssertProblem("more than one private key", _folder.Write("server.pem", _server.Both + _server.Key));

    [Fact]
    public void An_encrypted_key_is_told_with_the_way_to_decrypt_it()
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(_server.Key);
        var pem = key.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1));
        AssertProblem("is encrypted; decrypt it first", _folder.Write("server.pem", _server.Certificate + "\n" + pem));
    }

    [Fact]
    public void A_certificate_that_is_garbage_is_told() =>
        AssertProblem("cannot be read", _folder.Write("server.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));

    [Fact]
    public void An_expired_certificate_is_told_with_its_date()
    {
        var old = _authority.IssueServer([], 5, DateTimeOffset.UtcNow.AddDays(-10));
        AssertProblem("expired on 20", _folder.Write("server.pem", old.Both));
    }

    [Fact]
    public void A_certificate_not_yet_valid_is_told() =>
        AssertProblem("is this machine's clock right?", _folder.Write("server.pem", _authority.IssueServer([], 5, DateTimeOffset.UtcNow.AddDays(10)).Both));

    [Fact]
    public void A_client_certificate_is_no_server_certificate() =>
        AssertProblem("is not a server certificate (extended key usage serverAuth is missing)", _folder.Write("server.pem", _authority.IssueClient("alice", Role.User, 1, DateTimeOffset.UtcNow).Both));

    [Fact]
    public void A_server_s_key_that_everybody_can_read_is_refused()
    {
        var file = _folder.Write("server.pem", _server.Both, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        AssertProblem($"holds a private key and everybody may read it; run: chmod o-rwx {file}", file);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        AssertLoads(file);
    }

    [Fact]
    public void A_certificate_without_its_key_may_be_read_by_everybody()
    {
        _folder.Write("server.key", _server.Key);
        AssertLoads(_folder.Write("server.pem", _server.Certificate, UnixFileMode.UserRead | UnixFileMode.OtherRead));
    }

    [Fact]
    public void Only_authorities_can_be_trusted()
    {
        var file = _folder.Write("ca.pem", _server.Certificate);
        Assert.Contains("is not a certificate authority", Assert.Throws<CertificateProblem>(() => TrustedAuthorities.Load(file)).Message);
    }

    [Fact]
    public void Several_authorities_may_be_trusted_at_once()
    {
        using var other = CertificateAuthority.Create("other", null, DateTimeOffset.UtcNow);
        var trusted = TrustedAuthorities.Load(_folder.Write("ca.pem", _authority.CertificatePem + "\n" + other.CertificatePem));
        foreach (var authority in (CertificateAuthority[])[_authority, other])
        {
            using var chain = new X509Chain { ChainPolicy = trusted.ToPolicy(CertificatePurpose.Server) };
            using var leaf = X509Certificate2.CreateFromPem(authority.IssueServer([], 1, DateTimeOffset.UtcNow).Certificate);
            Assert.True(chain.Build(leaf));
        }
    }

    private static void AssertLoads(string file, string? key = null)
    {
        using var credential = Credential.Load(file, key, CertificatePurpose.Server);
        Assert.True(credential.Certificate.HasPrivateKey);
    }

    private static CertificateProblem AssertProblem(string sentence, string file, string? key = null)
    {
        var problem = Assert.Throws<CertificateProblem>(() => Credential.Load(file, key, CertificatePurpose.Server));
        Assert.Contains(sentence, problem.Message);
        return problem;
    }
}
