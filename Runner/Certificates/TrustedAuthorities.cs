using System.Security.Cryptography.X509Certificates;

namespace Runner.Certificates;

/// <summary>The only authorities the other end's certificate may come from; the system's are never asked.</summary>
sealed class TrustedAuthorities
{
    private readonly X509Certificate2Collection _roots;
    private readonly X509Certificate2Collection _intermediates;

    private TrustedAuthorities(X509Certificate2Collection roots, X509Certificate2Collection intermediates) =>
        (_roots, _intermediates) = (roots, intermediates);

    /// <summary>Reads one or more authorities from one file.</summary>
    /// <exception cref="CertificateProblem">The file is missing, or what it holds cannot vouch for anything.</exception>
    public static TrustedAuthorities Load(string file)
    {
        var certificates = PemFile.Read(file).Certificates;
        if (certificates.Count == 0) throw new CertificateProblem($"{file} holds no certificate (no BEGIN CERTIFICATE)");
        foreach (var certificate in certificates)
        {
            if (!certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(constraints => constraints.CertificateAuthority))
                throw new CertificateProblem($"{file} holds {Printable.Of(certificate.Subject)}, which is not a certificate authority (basicConstraints CA:TRUE is missing)");
            Validity.Check(certificate, file, DateTimeOffset.UtcNow);
        }

        var roots = certificates.Where(IsRoot).ToArray();
        return roots.Length > 0
            ? new([.. roots], [.. certificates.Where(certificate => !IsRoot(certificate))])
            : throw new CertificateProblem($"{file} holds no root authority, only intermediates; add the root that signed them");
    }

    /// <summary>How a chain is judged. A fresh one for each use, because the platform adds to it.</summary>
    public X509ChainPolicy ToPolicy(CertificatePurpose purpose)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            // The authorities keep no revocation lists; asking would only reach for the network.
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(_roots);
        policy.ExtraStore.AddRange(_intermediates);
        policy.ApplicationPolicy.Add(purpose.Oid());
        return policy;
    }

    private static bool IsRoot(X509Certificate2 certificate) =>
        certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);
}
