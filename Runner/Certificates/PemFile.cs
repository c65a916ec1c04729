using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Runner.Certificates;

/// <summary>A PEM file as it was read: its certificates in order, its private key if it has one, and who may read it.</summary>
sealed class PemFile
{
    private readonly string? _key;

    private PemFile(string path, UnixFileMode mode, X509Certificate2Collection certificates, string? key) =>
        (Path, Mode, Certificates, _key) = (path, mode, certificates, key);

    public string Path { get; }

    public UnixFileMode Mode { get; }

    public X509Certificate2Collection Certificates { get; }

    public bool HasKey => _key is not null;

    /// <exception cref="CertificateProblem">The file cannot be read, or something in it cannot.</exception>
    public static PemFile Read(string path)
    {
        try
        {
            var (text, mode) = SmallFile.Read(path);
            return Parse(path, mode, text);
        }
        catch (FileNotFoundException error)
        {
            throw new CertificateProblem($"{(path.Length > 0 ? path : "''")} does not exist; `runner certs` makes certificates", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CertificateProblem($"cannot read {path} ({error.Message}); become a user who may read it, or name another file", error);
        }
    }

    /// <summary>The first certificate, joined with its private key.</summary>
    /// <exception cref="CertificateProblem">There is no certificate here, no key there, or they do not belong together.</exception>
    public X509Certificate2 CertificateWithKey(PemFile keyFile)
    {
        if (Certificates.Count == 0) throw new CertificateProblem($"{Path} holds no certificate (no BEGIN CERTIFICATE)");
        if (keyFile._key is null) throw new CertificateProblem($"{keyFile.Path} holds no private key (no BEGIN PRIVATE KEY)");
        var certificate = Certificates[0];
        try
        {
            using var rsa = certificate.GetRSAPublicKey();
            if (rsa is not null)
            {
                using var key = RSA.Create();
                key.ImportFromPem(keyFile._key);
                return certificate.CopyWithPrivateKey(key);
            }
            using var ec = certificate.GetECDsaPublicKey()
                ?? throw new CertificateProblem($"{Path} has a key of another kind than EC or RSA, which are the kinds that work here");
            using var ecKey = ECDsa.Create();
            ecKey.ImportFromPem(keyFile._key);
            return certificate.CopyWithPrivateKey(ecKey);
        }
        // The platform's own message is left out: it speaks of parameters, and the key is one.
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new CertificateProblem($"the private key in {keyFile.Path} does not belong to the certificate in {Path}");
        }
    }

    private static PemFile Parse(string path, UnixFileMode mode, string text)
    {
        if (text.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal)) throw Encrypted(path);
        var certificates = new X509Certificate2Collection();
        string? key = null;
        var rest = text.AsSpan();
        while (PemEncoding.TryFind(rest, out var fields))
        {
            switch (rest[fields.Label])
            {
                case "CERTIFICATE":
                    certificates.Add(Certificate(path, rest[fields.Base64Data]));
                    break;
                case "ENCRYPTED PRIVATE KEY":
                    throw Encrypted(path);
                case "PRIVATE KEY" or "EC PRIVATE KEY" or "RSA PRIVATE KEY":
                    if (key is not null) throw new CertificateProblem($"{path} holds more than one private key; keep one");
                    key = rest[fields.Location].ToString();
                    break;
            }
            rest = rest[fields.Location.End..];
        }
        return new(path, mode, certificates, key);
    }

    private static X509Certificate2 Certificate(string path, ReadOnlySpan<char> base64)
    {
        try
        {
            var certificate = X509CertificateLoader.LoadCertificate(Convert.FromBase64String(base64.ToString()));
            return CertificateFlaws.OfForm(certificate) is { } flaw
                ? throw new CertificateProblem($"a certificate in {path} cannot be read: {flaw}")
                : certificate;
        }
        catch (CryptographicException error)
        {
            throw new CertificateProblem($"a certificate in {path} cannot be read", error);
        }
    }

    private static CertificateProblem Encrypted(string path) =>
        new($"the private key in {path} is encrypted; decrypt it first: openssl pkey -in {path} -out NEW-KEY.pem");
}
