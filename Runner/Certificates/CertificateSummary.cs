using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Runner.Access;

namespace Runner.Certificates;

/// <summary>What people ask of a certificate, as text that is safe to show.</summary>
sealed record CertificateSummary
{
    public required string Subject { get; init; }

    public required string Issuer { get; init; }

    public required string Serial { get; init; }

    /// <summary>SHA-256 over the whole certificate, as `openssl x509 -fingerprint -sha256` counts it.</summary>
    public required string Fingerprint { get; init; }

    public required DateTime NotBefore { get; init; }

    public required DateTime NotAfter { get; init; }

    public required string Key { get; init; }

    /// <summary>authority, serverAuth, clientAuth: whatever of these it is good for.</summary>
    public required IReadOnlyList<string> Purposes { get; init; }

    public required IReadOnlyList<string> Hosts { get; init; }

    /// <summary>For client certificates: the role a server would see, or nothing with the reason beside it.</summary>
    public required string? Role { get; init; }

    public required string? Refusal { get; init; }

    /// <exception cref="CertificateProblem">The file cannot be read or holds no certificate.</exception>
    public static IReadOnlyList<CertificateSummary> OfFile(string file)
    {
        var certificates = PemFile.Read(file).Certificates;
        return certificates.Count > 0
            ? [.. certificates.Select(Of)]
            : throw new CertificateProblem($"{file} holds no certificate (no BEGIN CERTIFICATE)");
    }

    public static CertificateSummary Of(X509Certificate2 certificate)
    {
        var isClient = CertificatePurpose.Client.Allows(certificate);
        var identity = isClient ? ClientIdentity.Read(certificate) : null;
        return new()
        {
            Subject = Printable.Of(certificate.Subject),
            Issuer = Printable.Of(certificate.Issuer),
            Serial = certificate.SerialNumber,
            Fingerprint = certificate.GetCertHashString(HashAlgorithmName.SHA256),
            NotBefore = certificate.NotBefore.ToUniversalTime(),
            NotAfter = certificate.NotAfter.ToUniversalTime(),
            Key = KeyOf(certificate),
            Purposes = [.. PurposesOf(certificate)],
            Hosts = [.. HostNames.Of(certificate).Select(Printable.Of)],
            Role = (identity as ClientIdentity.Known)?.Caller.Role.Word(),
            Refusal = (identity as ClientIdentity.Refused)?.Reason,
        };
    }

    private static IEnumerable<string> PurposesOf(X509Certificate2 certificate)
    {
        if (certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(constraints => constraints.CertificateAuthority)) yield return "authority";
        foreach (var purpose in (CertificatePurpose[])[CertificatePurpose.Server, CertificatePurpose.Client])
            if (purpose.Allows(certificate)) yield return purpose.Word();
    }

    private static string KeyOf(X509Certificate2 certificate)
    {
        try
        {
            using var rsa = certificate.GetRSAPublicKey();
            if (rsa is not null) return $"RSA {rsa.KeySize}";
            using var ec = certificate.GetECDsaPublicKey();
            return ec is null ? certificate.PublicKey.Oid.FriendlyName ?? "unknown" : $"EC {ec.KeySize}";
        }
        catch (CryptographicException)
        {
            return "unreadable";
        }
    }
}
