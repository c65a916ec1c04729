using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Runner.Access;
using Runner.Certificates;

namespace Runner.Tests.Certificates;

/// <summary>Certificates as no authority should make them, each with one flaw.</summary>
static class UnfitCertificates
{
    public static TheoryData<string, string> All => new()
    {
        { "sha1", "its signature is of a weak or unknown kind" },
        { "rsa1024", "its RSA key has 1024 bits and needs 2048" },
        { "ca", "it is an authority's" },
        { "usage", "digitalSignature is missing" },
        { "names", "its extension 2.5.29.17 cannot be read" },
    };

    public static IssuedCertificate Make(string flaw, string authorityFile, string authorityKey, CertificatePurpose purpose)
    {
        using var authority = X509Certificate2.CreateFromPemFile(authorityFile, authorityKey);
        using AsymmetricAlgorithm key = flaw == "rsa1024" ? RSA.Create(1024) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = CertificateAuthority.Name("127.0.0.1");
        var request = key is RSA rsa
            ? new CertificateRequest(name, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest(name, (ECDsa)key, HashAlgorithmName.SHA256);
        var usage = flaw switch
        {
            "ca" => X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyCertSign,
            "usage" => X509KeyUsageFlags.KeyAgreement,
            _ => X509KeyUsageFlags.DigitalSignature,
        };
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(flaw == "ca", false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(usage, false));
        request.CertificateExtensions.Add(CertificateAuthority.Usage(purpose));
        request.CertificateExtensions.Add(RoleExtension.Create(Role.Admin));
        request.CertificateExtensions.Add(flaw == "names"
            ? new X509Extension("2.5.29.17", [0x30, 0x03, 0x87, 0x01, 0x7f], critical: false) // an address of one byte
            : HostNames.ForServer([]).ToExtension());
        var signer = authority.GetECDsaPrivateKey()!;
        var generator = flaw == "sha1" ? new WithSha1(signer) : X509SignatureGenerator.CreateForECDsa(signer);
        using var certificate = request.Create(authority.SubjectName, generator, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3]);
        return new(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>Which the platform no longer does by itself.</summary>
    private sealed class WithSha1(ECDsa key) : X509SignatureGenerator
    {
        // ecdsa-with-SHA1, 1.2.840.10045.4.1
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) => [0x30, 0x09, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => key.SignData(data, HashAlgorithmName.SHA1, DSASignatureFormat.Rfc3279DerSequence);

        protected override PublicKey BuildPublicKey() => new(key);
    }
}
