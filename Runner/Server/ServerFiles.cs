using Runner.Certificates;

namespace Runner.Server;

/// <summary>Where a server's certificate, its key and its clients' authority are.</summary>
/// <param name="Key">None when it is in the certificate's file or beside it.</param>
sealed record ServerFiles(string Certificate, string? Key, string ClientAuthority)
{
    public const string DefaultFolder = "/etc/runner";

    /// <summary>
    /// Settles the files from what was given: a certificate alone is enough, its clients' authority is client-ca.pem beside it.
    /// With nothing given the folder's set is used, and made first where there is none.
    /// </summary>
    /// <param name="tell">Gets a line for people for everything that was made; nothing when all was there.</param>
    /// <exception cref="CertificateProblem">The set in the folder is incomplete, or cannot be made.</exception>
    public static ServerFiles Resolve(string? certificate, string? key, string? clientAuthority, string folder, Action<string> tell)
    {
        if (certificate is not null)
            return new(certificate, key, clientAuthority ?? Path.Combine(Path.GetDirectoryName(certificate) ?? "", CertificateFolder.ClientAuthority));
        if (key is not null) throw new CertificateProblem("--key names a key without its certificate; name that with --cert");

        var certificates = new CertificateFolder(folder);
        if (!File.Exists(certificates.At(CertificateFolder.Server))) FirstStart(certificates, folder, tell);
        return new(certificates.At(CertificateFolder.Server), null, clientAuthority ?? certificates.At(CertificateFolder.ClientAuthority));
    }

    private static void FirstStart(CertificateFolder certificates, string folder, Action<string> tell)
    {
        if (CertificateFolder.All.Select(certificates.At).FirstOrDefault(File.Exists) is { } left)
            throw new CertificateProblem($"{left} is there but {certificates.At(CertificateFolder.Server)} is not; complete the set, name a certificate with --cert, or move the files away for a new set");
        tell($"First start: making certificates in {folder}");
        foreach (var file in certificates.Initialise([])) tell($"  {file}");
        tell($"On this machine, root is admin now: sudo runner list. For others: runner certs client --dir {folder} --name NAME --role ROLE");
        tell($"Jobs run as root here and could read {certificates.At(CertificateFolder.ClientAuthorityKey)}, with which one can be anybody: move it off this machine before others start jobs");
    }
}
