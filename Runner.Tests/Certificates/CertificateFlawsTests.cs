using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Runner.Access;
using Runner.Certificates;
using Runner.Tests.Support;

namespace Runner.Tests.Certificates;

public sealed class CertificateFlawsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(UnfitCertificates.All), MemberType = typeof(UnfitCertificates))]
    public void An_unfit_certificate_is_found_out(string flaw, string reason)
    {
        new CertificateFolder(_folder.Path).Initialise([]);
        var (file, key) = (_folder.At(CertificateFolder.ClientAuthority), _folder.At(CertificateFolder.ClientAuthorityKey));
        using var root = X509CertificateLoader.LoadCertificateFromFile(file);
        using var certificate = X509Certificate2.CreateFromPem(UnfitCertificates.Make(flaw, file, key, CertificatePurpose.Client).Certificate);
        Assert.Contains(reason, CertificateFlaws.Of([certificate, root]));
    }

    [Theory, InlineData(null), InlineData(2048)]
    public void What_the_product_makes_has_none(int? rsaBits)
    {
        using var authority = CertificateAuthority.Create("test", rsaBits, DateTimeOffset.UtcNow);
        using var root = X509Certificate2.CreateFromPem(authority.CertificatePem);
        using var certificate = X509Certificate2.CreateFromPem(authority.IssueClient("anna", Role.Admin, 1, DateTimeOffset.UtcNow).Certificate);
        Assert.Null(CertificateFlaws.Of([certificate, root]));
    }

    [Theory, InlineData("SHA256"), InlineData("SHA512")]
    public void A_pss_signature_is_judged_by_its_hash(string hash)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=a", key, new HashAlgorithmName(hash), RSASignaturePadding.Pss);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        Assert.Null(CertificateFlaws.Of([certificate, certificate]));
    }

    [Fact]
    public void A_root_may_have_signed_itself_as_it_likes_but_needs_a_strong_key()
    {
        using var weak = RSA.Create(1024);
        using var root = new CertificateRequest("CN=root", weak, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        using var authority = CertificateAuthority.Create("test", null, DateTimeOffset.UtcNow);
        using var certificate = X509Certificate2.CreateFromPem(authority.IssueClient("anna", Role.Admin, 1, DateTimeOffset.UtcNow).Certificate);
        Assert.Equal("its authority's RSA key has 1024 bits and needs 2048", CertificateFlaws.Of([certificate, root]));
    }
}
