using System.Net.Security;
using Runner.Certificates;

namespace Runner.Server;

/// <summary>What a server shows its clients and whom it believes; loaded whole, never changed.</summary>
sealed class ServerTrust
{
    private ServerTrust(SslStreamCertificateContext own, TrustedAuthorities clients) => (Own, Clients) = (own, clients);

    public SslStreamCertificateContext Own { get; }

    /// <summary>The only authorities a client certificate may come from.</summary>
    public TrustedAuthorities Clients { get; }

    /// <exception cref="CertificateProblem">A file is missing or unfit.</exception>
    public static ServerTrust Load(ServerFiles files) =>
        new(Credential.Load(files.Certificate, files.Key, CertificatePurpose.Server).ToContext(), TrustedAuthorities.Load(files.ClientAuthority));
}
