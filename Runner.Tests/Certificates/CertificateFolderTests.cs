using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using FsCheck;
using FsCheck.Fluent;
using Runner.Access;
using Runner.Certificates;
using Runner.Tests.Support;

namespace Runner.Tests.Certificates;

public sealed class CertificateFolderTests : IDisposable
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TemporaryFolder _folder = new();
    private readonly CertificateFolder _certificates;

    public CertificateFolderTests() => _certificates = new(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Init_makes_exactly_its_six_files_and_only_authorities_are_for_everybody_s_eyes()
    {
        var written = _certificates.Initialise([]);
        Assert.Equal(CertificateFolder.All.Select(_folder.At), written);
        Assert.Equal(written.Order(), Directory.GetFiles(_folder.Path).Order());
        Assert.All(written, path => Assert.Equal(
            Path.GetFileName(path) is CertificateFolder.ServerAuthority or CertificateFolder.ClientAuthority ? Owner | UnixFileMode.GroupRead | UnixFileMode.OtherRead : Owner,
            File.GetUnixFileMode(path)));
    }

    [Fact]
    public void The_server_s_certificate_comes_last_so_that_it_stands_for_the_whole_set() =>
        Assert.Equal(CertificateFolder.Server, CertificateFolder.All[^1]);

    [Theory, MemberData(nameof(Files))]
    public void Init_overwrites_nothing_and_then_writes_nothing(string existing)
    {
        _folder.Write(existing, "mine");
        var problem = Assert.Throws<CertificateProblem>(() => _certificates.Initialise([]));
        Assert.Contains($"{_folder.At(existing)} exists already", problem.Message);
        Assert.Equal("mine", File.ReadAllText(Assert.Single(Directory.GetFiles(_folder.Path))));
    }

    [Fact]
    public void A_link_laid_in_the_way_is_not_followed()
    {
        File.CreateSymbolicLink(_folder.At(CertificateFolder.Admin), _folder.At("elsewhere"));
        Assert.Contains("exists already", Assert.Throws<CertificateProblem>(() => _certificates.Initialise([])).Message);
        Assert.False(File.Exists(_folder.At("elsewhere")));
        // What came before it in the order was made and is gone again.
        Assert.Single(new DirectoryInfo(_folder.Path).GetFileSystemInfos());
    }

    [Fact]
    public void Of_two_that_make_the_same_set_at_once_one_wins_whole()
    {
        var outcomes = new Exception?[4];
        Parallel.For(0, outcomes.Length, i => outcomes[i] = Record.Exception(() => _certificates.Initialise([])));
        Assert.Single(outcomes, error => error is null);
        Assert.All(outcomes.OfType<Exception>(), error => Assert.IsType<CertificateProblem>(error));
        Assert.Equal(6, Directory.GetFiles(_folder.Path).Length);
        using var credential = Credential.Load(_folder.At(CertificateFolder.Server), null, CertificatePurpose.Server);
    }

    [Fact]
    public void A_client_certificate_says_who_and_what()
    {
        _certificates.Initialise([]);
        var path = _certificates.AddClient("alice", Role.Writer);
        Assert.Equal(Owner, File.GetUnixFileMode(path));
        using var credential = Credential.Load(path, null, CertificatePurpose.Client);
        Assert.Equal(new ClientIdentity.Known(new("alice", Role.Writer)), ClientIdentity.Read(credential.Certificate));
    }

    [Fact]
    public void A_client_certificate_is_never_overwritten()
    {
        _certificates.Initialise([]);
        var before = File.ReadAllText(_certificates.AddClient("alice", Role.Writer));
        Assert.Throws<CertificateProblem>(() => _certificates.AddClient("alice", Role.Admin));
        Assert.Equal(before, File.ReadAllText(_folder.At("alice.pem")));
    }

    [Fact]
    public void Without_its_authority_no_client_certificate_is_made() =>
        Assert.Contains("client-ca.pem does not exist", Assert.Throws<CertificateProblem>(() => _certificates.AddClient("alice", Role.User)).Message);

    [Theory]
    [InlineData(""), InlineData("."), InlineData(".."), InlineData("a/b"), InlineData("../x"), InlineData(".hidden"), InlineData("-x"), InlineData("a b"), InlineData("a\n"), InlineData("a\0")]
    [InlineData("admin"), InlineData("Server"), InlineData("client-ca"), InlineData("server-ca-key"), InlineData("bob-key"), InlineData("ä")]
    public void A_name_that_is_no_safe_file_name_is_refused(string name)
    {
        Assert.False(CertificateFolder.IsName(name));
        Assert.Contains("cannot be a certificate's name", Assert.Throws<CertificateProblem>(() => _certificates.AddClient(name, Role.User)).Message);
    }

    [Theory, InlineData("alice"), InlineData("ci@build-1"), InlineData("a.b+c_d"), InlineData("7")]
    public void An_ordinary_name_is_accepted(string name) => Assert.True(CertificateFolder.IsName(name));

    [Fact]
    public void A_name_that_is_accepted_stays_one_file_in_its_folder() =>
        Prop.ForAll<string>(text => text is null || !CertificateFolder.IsName(text)
            || (Path.GetDirectoryName(Path.GetFullPath(Path.Combine("/certs", text + ".pem"))) == "/certs" && ClientIdentity.IsName(text)))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void A_server_certificate_is_good_for_the_hosts_asked_for_and_always_for_this_machine()
    {
        _certificates.Initialise(["build1.example.com", "10.0.0.7", "fd00::7"]);
        using var credential = Credential.Load(_folder.At(CertificateFolder.Server), null, CertificatePurpose.Server);
        Assert.All((string[])["build1.example.com", "10.0.0.7", "fd00::7", "localhost", "127.0.0.1", "::1", Environment.MachineName],
            host => Assert.True(credential.Certificate.MatchesHostname(host, allowWildcards: true, allowCommonName: false), host));
        Assert.False(credential.Certificate.MatchesHostname("other.example.com", allowWildcards: true, allowCommonName: false));
    }

    [Theory, InlineData("a b"), InlineData(""), InlineData("-a"), InlineData("1"), InlineData("1.2.3"), InlineData("fe80::1%eth0"), InlineData("a..b"), InlineData("https://a"), InlineData("a:80"), InlineData("256.1.1.1")]
    public void What_is_no_host_is_refused(string host)
    {
        Assert.Contains("neither a host name nor an IP address", Assert.Throws<CertificateProblem>(() => _certificates.Initialise([host])).Message);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_folder_without_a_name_is_told() =>
        Assert.Contains("no folder is named", Assert.Throws<CertificateProblem>(() => new CertificateFolder("").Initialise([])).Message);

    [Fact]
    public void Nobody_else_can_write_in_a_new_folder_whatever_the_umask()
    {
        var folder = _folder.At("new");
        // A thread of its own with a umask of its own (CLONE_FS, unshare(2)), so that the other tests keep theirs.
        var thread = new Thread(() =>
        {
            Assert.Equal(0, Unshare(0x200));
            _ = Umask(0);
            new CertificateFolder(folder).Initialise([]);
        });
        thread.Start();
        thread.Join();
        Assert.Equal("0755", Convert.ToString((int)File.GetUnixFileMode(folder), 8).PadLeft(4, '0'));
    }

    [DllImport("libc", EntryPoint = "unshare")]
    private static extern int Unshare(int flags);

    [DllImport("libc", EntryPoint = "umask")]
    private static extern uint Umask(uint mask);

    [Fact]
    public void A_leaf_is_signed_as_the_standard_wants_it()
    {
        _certificates.Initialise([]);
        using var leaf = X509CertificateLoader.LoadCertificateFromFile(_folder.At(CertificateFolder.Admin));
        using var authority = X509CertificateLoader.LoadCertificateFromFile(_folder.At(CertificateFolder.ClientAuthority));
        Assert.Equal(16, leaf.SerialNumberBytes.Length);
        Assert.InRange(leaf.SerialNumberBytes.Span[0], 0x40, 0x7F);
        Assert.InRange(DateTime.UtcNow - leaf.NotBefore.ToUniversalTime(), TimeSpan.FromMinutes(59), TimeSpan.FromMinutes(62));
        Assert.Equal(CertificateAuthority.LeafDays, (leaf.NotAfter - DateTime.Now).TotalDays, 0.01);
        Assert.Equal(authority.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Single().SubjectKeyIdentifierBytes.ToArray(),
            leaf.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().Single().KeyIdentifier!.Value.ToArray());
        var constraints = authority.Extensions.OfType<X509BasicConstraintsExtension>().Single();
        Assert.True(constraints is { Critical: true, CertificateAuthority: true, HasPathLengthConstraint: true, PathLengthConstraint: 0 });
        Assert.Equal(X509KeyUsageFlags.DigitalSignature, leaf.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages);
    }

    [Fact]
    public void A_certificate_does_not_outlive_its_authority()
    {
        using var authority = CertificateAuthority.Create("old", null, DateTimeOffset.UtcNow.AddDays(10 - CertificateAuthority.AuthorityDays));
        using var leaf = X509Certificate2.CreateFromPem(authority.IssueClient("alice", Role.User, 825, DateTimeOffset.UtcNow).Certificate);
        Assert.Equal(10, (leaf.NotAfter - DateTime.Now).TotalDays, 0.01);
    }

    [Fact]
    public void Rsa_is_used_throughout_when_asked_for()
    {
        _certificates.Initialise([], rsaBits: 2048);
        _certificates.AddClient("alice", Role.User);
        Assert.All((string[])[.. CertificateFolder.All.Where(file => !file.EndsWith("-key.pem", StringComparison.Ordinal)), "alice.pem"],
            file => Assert.Equal("RSA 2048", CertificateSummary.OfFile(_folder.At(file))[0].Key));
    }

    public static TheoryData<string> Files => [.. CertificateFolder.All];
}
