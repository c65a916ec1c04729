using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Runner.Certificates;

/// <summary>Which end of a connection a certificate is for.</summary>
enum CertificatePurpose
{
    Server,
    Client,
}

/// <summary>The extended key usage (RFC 5280, 4.2.1.12) behind each purpose.</summary>
static class CertificatePurposes
{
    public static Oid Oid(this CertificatePurpose purpose) => purpose switch
    {
        CertificatePurpose.Server => new("1.3.6.1.5.5.7.3.1", null),
        CertificatePurpose.Client => new("1.3.6.1.5.5.7.3.2", null),
        _ => throw new ArgumentOutOfRangeException(nameof(purpose), purpose, "not a purpose"),
    };

    public static string Word(this CertificatePurpose purpose) =>
        purpose is CertificatePurpose.Server ? "serverAuth" : "clientAuth";

    /// <summary>Stricter than the platform, for which a certificate without the extension is good for everything.</summary>
    public static bool Allows(this CertificatePurpose purpose, X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>()
            .Any(extension => extension.EnhancedKeyUsages.Cast<Oid>().Any(usage => usage.Value == purpose.Oid().Value));
}
