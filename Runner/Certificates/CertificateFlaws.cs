using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Runner.Certificates;

/// <summary>
/// What makes a certificate unfit although its chain is whole, for which the platform has no mind: each answer is null,
/// or one clause for people that holds nothing the certificate's maker wrote.
/// </summary>
static class CertificateFlaws
{
    private const int LeastEcBits = 256;

    private const string RsaPss = "1.2.840.113549.1.1.10";

    // RSA, then ECDSA, each with SHA-256, 384 and 512; Ed25519 and Ed448; the three hashes by themselves, as PSS names them.
    private static readonly HashSet<string> s_strong =
    [
        "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13",
        "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4",
        "1.3.101.112", "1.3.101.113",
        "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3",
    ];

    /// <summary>Everything but the purpose.</summary>
    /// <param name="chain">The certificate, then who signed it, up to the root.</param>
    public static string? Of(IReadOnlyList<X509Certificate2> chain) =>
        OfForm(chain[0])
        ?? OfUse(chain[0])
        // A root is believed for what it is, not for its own signature.
        ?? chain.SkipLast(1).Select((certificate, at) => OfSignature(certificate, at)).FirstOrDefault(flaw => flaw is not null)
        ?? chain.Select(OfKey).FirstOrDefault(flaw => flaw is not null);

    /// <summary>The platform decodes extensions when they are asked for, and throws then.</summary>
    public static string? OfForm(X509Certificate2 certificate)
    {
        var part = "its subject";
        try
        {
            _ = (certificate.Subject, certificate.Issuer);
            foreach (var extension in certificate.Extensions)
            {
                part = $"its extension {extension.Oid?.Value}";
                Decode(extension);
            }
            return null;
        }
        catch (CryptographicException)
        {
            return $"{part} cannot be read";
        }
    }

    /// <summary>An end's own certificate proves who holds it, and nothing else.</summary>
    public static string? OfUse(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(constraints => constraints.CertificateAuthority)
            ? "it is an authority's (basicConstraints CA:TRUE)"
            : certificate.Extensions.OfType<X509KeyUsageExtension>().Any(usage => !usage.KeyUsages.HasFlag(X509KeyUsageFlags.DigitalSignature))
                ? "its key may not sign (digitalSignature is missing from its key usage)"
                : null;

    /// <summary>A key that can be found out.</summary>
    public static string? OfKey(X509Certificate2 certificate, int at = 0)
    {
        try
        {
            using var rsa = certificate.GetRSAPublicKey();
            if (rsa is not null) return rsa.KeySize < SigningKey.LeastRsaBits ? $"{Whose(at)} RSA key has {rsa.KeySize} bits and needs {SigningKey.LeastRsaBits}" : null;
            using var ec = certificate.GetECDsaPublicKey();
            return ec?.KeySize < LeastEcBits ? $"{Whose(at)} EC key has {ec.KeySize} bits and needs {LeastEcBits}" : null;
        }
        catch (CryptographicException)
        {
            return $"{Whose(at)} key cannot be read";
        }
    }

    private static string? OfSignature(X509Certificate2 certificate, int at)
    {
        try
        {
            return s_strong.Contains(SignatureMethod(certificate)) ? null : $"{Whose(at)} signature is of a weak or unknown kind (SHA-256 and up are good, MD5 and SHA-1 are not)";
        }
        catch (AsnContentException)
        {
            return $"{Whose(at)} signature cannot be read";
        }
    }

    /// <summary>The signature's algorithm; for RSA-PSS its hash, which stands among the parameters and is SHA-1 if it does not.</summary>
    private static string SignatureMethod(X509Certificate2 certificate)
    {
        var parts = new AsnReader(certificate.RawData, AsnEncodingRules.DER).ReadSequence();
        parts.ReadEncodedValue();
        var algorithm = parts.ReadSequence();
        var method = algorithm.ReadObjectIdentifier();
        if (method != RsaPss) return method;
        var hash = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
        var parameters = algorithm.ReadSequence();
        return parameters.HasData && parameters.PeekTag() == hash ? parameters.ReadSequence(hash).ReadSequence().ReadObjectIdentifier() : "SHA-1";
    }

    private static void Decode(X509Extension extension)
    {
        switch (extension)
        {
            case X509BasicConstraintsExtension constraints:
                _ = constraints.CertificateAuthority;
                break;
            case X509KeyUsageExtension usage:
                _ = usage.KeyUsages;
                break;
            case X509EnhancedKeyUsageExtension usages:
                _ = usages.EnhancedKeyUsages;
                break;
            case X509SubjectAlternativeNameExtension names:
                _ = names.EnumerateDnsNames().Count() + names.EnumerateIPAddresses().Count();
                break;
        }
    }

    private static string Whose(int at) => at == 0 ? "its" : "its authority's";
}
