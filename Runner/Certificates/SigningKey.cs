using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Runner.Certificates;

/// <summary>A private key that signs: EC P-256, or RSA of a size.</summary>
sealed class SigningKey : IDisposable
{
    public const int LeastRsaBits = 2048;
    public const int MostRsaBits = 8192;

    private readonly AsymmetricAlgorithm _key;

    private SigningKey(AsymmetricAlgorithm key) => _key = key;

    /// <param name="rsaBits">None makes an EC P-256 key.</param>
    public static SigningKey Create(int? rsaBits) =>
        new(rsaBits is { } bits ? RSA.Create(bits) : ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>The private key of a certificate, which keeps its own.</summary>
    public static SigningKey Of(X509Certificate2 certificate) =>
        new((AsymmetricAlgorithm?)certificate.GetECDsaPrivateKey() ?? certificate.GetRSAPrivateKey()
            ?? throw new CertificateProblem("the certificate has no EC or RSA private key"));

    /// <summary>A fresh key of the same kind and size.</summary>
    public SigningKey Another() => _key is RSA rsa ? new(RSA.Create(rsa.KeySize)) : Create(rsaBits: null);

    public X509SignatureGenerator Generator => _key switch
    {
        RSA rsa => X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1),
        ECDsa ec => X509SignatureGenerator.CreateForECDsa(ec),
        _ => throw new InvalidOperationException("neither EC nor RSA"),
    };

    /// <summary>PKCS #8, not encrypted.</summary>
    public string ToPem() => _key.ExportPkcs8PrivateKeyPem();

    public void Dispose() => _key.Dispose();
}
