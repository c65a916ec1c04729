using Runner.Certificates;
using Runner.Server;
using Runner.Tests.Support;

namespace Runner.Tests.Server;

public sealed class ServerFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _told = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_first_start_makes_its_certificates_and_says_so()
    {
        var files = Resolve(null);
        Assert.Equal(new ServerFiles(_folder.At("server.pem"), null, _folder.At("client-ca.pem")), files);
        Assert.All(CertificateFolder.All, file => Assert.Contains($"  {_folder.At(file)}", _told));
        Assert.Contains($"could read {_folder.At("client-ca-key.pem")}", _told[^1]);
        Assert.NotNull(ServerTrust.Load(files));
    }

    [Fact]
    public void A_later_start_uses_the_same_and_says_nothing()
    {
        Resolve(null);
        var before = File.ReadAllText(_folder.At("server.pem"));
        _told.Clear();
        Resolve(null);
        Assert.Empty(_told);
        Assert.Equal(before, File.ReadAllText(_folder.At("server.pem")));
    }

    [Fact]
    public void A_set_that_is_incomplete_is_left_alone()
    {
        _folder.Write("client-ca.pem", "mine");
        Assert.Contains("client-ca.pem is there but", Assert.Throws<CertificateProblem>(() => Resolve(null)).Message);
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_certificate_alone_is_enough()
    {
        new CertificateFolder(_folder.Path).Initialise([]);
        var files = ServerFiles.Resolve(_folder.At("server.pem"), null, null, "/nowhere", _told.Add);
        Assert.Equal(_folder.At("client-ca.pem"), files.ClientAuthority);
        Assert.NotNull(ServerTrust.Load(files));
        Assert.Empty(_told);
    }

    [Fact]
    public void A_certificate_in_the_working_folder_needs_no_folder_name() =>
        Assert.Equal(new ServerFiles("server.pem", null, "client-ca.pem"), ServerFiles.Resolve("server.pem", null, null, "/nowhere", _told.Add));

    [Fact]
    public void What_is_named_is_used() =>
        Assert.Equal(new ServerFiles("/c", "/k", "/a"), ServerFiles.Resolve("/c", "/k", "/a", "/nowhere", _told.Add));

    [Fact]
    public void A_key_without_a_certificate_makes_no_sense() =>
        Assert.Contains("--cert", Assert.Throws<CertificateProblem>(() => ServerFiles.Resolve(null, "/k", null, _folder.Path, _told.Add)).Message);

    [Fact]
    public void A_missing_client_authority_is_named()
    {
        new CertificateFolder(_folder.Path).Initialise([]);
        File.Delete(_folder.At("client-ca.pem"));
        Assert.Contains("client-ca.pem does not exist", Assert.Throws<CertificateProblem>(() => ServerTrust.Load(Resolve(null))).Message);
    }

    private ServerFiles Resolve(string? certificate) => ServerFiles.Resolve(certificate, null, null, _folder.Path, _told.Add);
}
