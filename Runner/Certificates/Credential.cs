using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Runner.Certificates;

/// <summary>A certificate with its private key, found fit for its purpose, and the intermediates to send along.</summary>
sealed class Credential : IDisposable
{
    private readonly X509Certificate2Collection _intermediates;

    private Credential(X509Certificate2 certificate, X509Certificate2Collection intermediates) =>
        (Certificate, _intermediates) = (certificate, intermediates);

    public X509Certificate2 Certificate { get; }

    /// <summary>Reads the certificate and its key: from <paramref name="keyFile"/>, else from the same file, else from NAME-key.pem or NAME.key beside it.</summary>
    /// <exception cref="CertificateProblem">Something is missing, does not fit, is not valid now or is for the other end; a server's key can be read by everybody.</exception>
    public static Credential Load(string file, string? keyFile, CertificatePurpose purpose)
    {
        var pem = PemFile.Read(file);
        if (pem.Certificates.Count == 0) throw new CertificateProblem($"{file} holds no certificate (no BEGIN CERTIFICATE)");
        var key = keyFile is null ? FindKey(pem) : PemFile.Read(keyFile);
        if (purpose is CertificatePurpose.Server && key.Mode.HasFlag(UnixFileMode.OtherRead))
            throw new CertificateProblem($"{key.Path} holds a private key and everybody may read it; run: chmod o-rwx {key.Path}");
        var certificate = pem.CertificateWithKey(key);
        Validity.Check(certificate, file, DateTimeOffset.UtcNow);
        if ((CertificateFlaws.OfUse(certificate) ?? CertificateFlaws.OfKey(certificate)) is { } flaw)
            throw new CertificateProblem($"the certificate in {file} would not be accepted: {flaw}");
        if (!purpose.Allows(certificate))
            throw new CertificateProblem($"{file} is not a {Word(purpose)} certificate (extended key usage {purpose.Word()} is missing)");
        return new(certificate, [.. pem.Certificates.Skip(1)]);
    }

    /// <summary>The form TLS wants, made once and shared by every connection; it asks nobody on the network.</summary>
    public SslStreamCertificateContext ToContext() => SslStreamCertificateContext.Create(Certificate, _intermediates, offline: true);

    public void Dispose() => Certificate.Dispose();

    private static PemFile FindKey(PemFile pem)
    {
        if (pem.HasKey) return pem;
        var stem = Path.Combine(Path.GetDirectoryName(pem.Path) ?? "", Path.GetFileNameWithoutExtension(pem.Path));
        var beside = (string[])[stem + "-key.pem", stem + ".key"];
        return beside.FirstOrDefault(File.Exists) is { } found
            ? PemFile.Read(found)
            : throw new CertificateProblem($"no private key in {pem.Path}, nor in {beside[0]} or {beside[1]}; name its file with --key");
    }

    private static string Word(CertificatePurpose purpose) => purpose is CertificatePurpose.Server ? "server" : "client";
}
