using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Runner.Access;

namespace Runner.Certificates;

/// <summary>Makes certificates that its own certificate vouches for, with keys of its own kind.</summary>
sealed class CertificateAuthority : IDisposable
{
    /// <summary>How long a new authority is good for: ten years.</summary>
    public const int AuthorityDays = 3650;

    /// <summary>How long a new server or client certificate is good for: the 825 days that strict verifiers still take.</summary>
    public const int LeafDays = 825;

    // Clocks differ; a certificate made here must be good at once on a machine that is a little behind.
    private static readonly TimeSpan Backdated = TimeSpan.FromHours(1);

    private readonly X509Certificate2 _certificate;
    private readonly SigningKey _key;

    private CertificateAuthority(X509Certificate2 certificate, SigningKey key) => (_certificate, _key) = (certificate, key);

    public string CertificatePem => _certificate.ExportCertificatePem();

    /// <param name="rsaBits">None makes EC P-256 keys, here and in every certificate it issues.</param>
    public static CertificateAuthority Create(string commonName, int? rsaBits, DateTimeOffset now)
    {
        var key = SigningKey.Create(rsaBits);
        var subject = Name(commonName);
        var generator = key.Generator;
        var request = new CertificateRequest(subject, generator.PublicKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        var subjectKey = new X509SubjectKeyIdentifierExtension(generator.PublicKey, critical: false);
        request.CertificateExtensions.Add(subjectKey);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(subjectKey));
        return new(request.Create(subject, generator, now - Backdated, now.AddDays(AuthorityDays), Serial()), key);
    }

    /// <exception cref="CertificateProblem">A file is missing or unfit, or the key is not this authority's.</exception>
    public static CertificateAuthority Load(string certificateFile, string keyFile)
    {
        var certificate = PemFile.Read(certificateFile).CertificateWithKey(PemFile.Read(keyFile));
        return certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(constraints => constraints.CertificateAuthority)
            ? new(certificate, SigningKey.Of(certificate))
            : throw new CertificateProblem($"{certificateFile} is not a certificate authority (basicConstraints CA:TRUE is missing)");
    }

    /// <summary>The one way to the authority's private key as text.</summary>
    public string ExportKey() => _key.ToPem();

    public IssuedCertificate IssueServer(IEnumerable<string> hosts, int days, DateTimeOffset now)
    {
        var names = HostNames.ForServer(hosts);
        return Issue(Name(names.Title), [Usage(CertificatePurpose.Server), names.ToExtension()], days, now);
    }

    public IssuedCertificate IssueClient(string name, Role role, int days, DateTimeOffset now) =>
        Issue(Name(name), [Usage(CertificatePurpose.Client), RoleExtension.Create(role)], days, now);

    /// <summary>Signs a certificate for a new key; what every leaf has (constraints, key usage, key identifiers) is added.</summary>
    public IssuedCertificate Issue(X500DistinguishedName subject, IEnumerable<X509Extension> extensions, int days, DateTimeOffset now)
    {
        using var key = _key.Another();
        var request = new CertificateRequest(subject, key.Generator.PublicKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        foreach (var extension in extensions) request.CertificateExtensions.Add(extension);

        // A certificate that outlives its authority would only surprise.
        var until = now.AddDays(days) < _certificate.NotAfter ? now.AddDays(days) : _certificate.NotAfter;
        var from = now - Backdated > _certificate.NotBefore ? now - Backdated : _certificate.NotBefore;
        if (until <= from) throw new CertificateProblem($"the authority {_certificate.Subject} expired on {_certificate.NotAfter:yyyy-MM-dd}; make a new one");
        using var certificate = request.Create(_certificate.SubjectName, _key.Generator, from, until, Serial());
        return new(certificate.ExportCertificatePem(), key.ToPem());
    }

    public static X509Extension Usage(CertificatePurpose purpose) => new X509EnhancedKeyUsageExtension([purpose.Oid()], critical: false);

    public static X500DistinguishedName Name(string commonName)
    {
        var builder = new X500DistinguishedNameBuilder();
        builder.AddCommonName(commonName);
        return builder.Build();
    }

    public void Dispose()
    {
        _key.Dispose();
        _certificate.Dispose();
    }

    private static byte[] Serial()
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        // Positive, and always sixteen bytes long.
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        return serial;
    }
}
