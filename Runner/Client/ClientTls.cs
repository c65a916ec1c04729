using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Runner.Certificates;

namespace Runner.Client;

/// <summary>Connections to a server over mutual TLS 1.3, believing only the authority the profile names.</summary>
static class ClientTls
{
    private static readonly TimeSpan s_reachLimit = TimeSpan.FromSeconds(10);

    /// <exception cref="CertificateProblem">A file of the profile is missing or unfit.</exception>
    public static SocketsHttpHandler CreateHandler(ClientProfile profile, Reconnection? reconnection = null)
    {
        reconnection ??= Reconnection.Never();
        var own = Credential.Load(profile.Certificate, profile.Key, CertificatePurpose.Client);
        var servers = TrustedAuthorities.Load(profile.Authority);
        return new()
        {
            SslOptions = new()
            {
                ClientCertificateContext = own.ToContext(),
                EnabledSslProtocols = SslProtocols.Tls13,
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                CertificateChainPolicy = servers.ToPolicy(CertificatePurpose.Server),
                AllowTlsResume = false,
                AllowRenegotiation = false,
                RemoteCertificateValidationCallback = (sender, certificate, chain, errors) => Accept(profile, (sender as SslStream)?.TargetHostName ?? profile.Server.IdnHost, certificate as X509Certificate2, chain, errors),
            },
            PlaintextStreamFilter = (context, _) => ValueTask.FromResult<Stream>(new HeardStream(context.PlaintextStream, reconnection)),
            // A connection waits in the socket's backlog while one server makes way for another or a hung one is replaced; a host that is away does not take it.
            ConnectTimeout = TimeSpan.FromSeconds(40),
            ConnectCallback = ConnectAsync,
            // As much as a stream may have under way, and so the most that is held of what the terminal does not take.
            InitialHttp2StreamWindowSize = 1 << 20,
            // A follower hears nothing for hours from a quiet job; the ping tells a quiet server from a dead one.
            KeepAlivePingDelay = TimeSpan.FromSeconds(20),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            EnableMultipleHttp2Connections = true,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            // The certificate is for this server, not for a proxy that an environment variable names.
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
        };
    }

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_reachLimit);
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, limit.Token);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (Exception e)
        {
            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            if (e is OperationCanceledException) throw new TimeoutException($"{context.DnsEndPoint.Host} was not reached in time", e);
            throw;
        }
    }

    /// <summary>Throws instead of answering no, because the platform's own message would not say why.</summary>
    private static bool Accept(ClientProfile profile, string host, X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        var server = profile.Server.Authority;
        if (certificate is null) throw new CertificateProblem($"{server} showed no certificate");
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
            throw new CertificateProblem($"{server} showed a certificate that {profile.Authority} does not vouch for ({Reasons(chain)}); is this the right server, and the right --ca?");
        if (CertificateFlaws.Of([.. chain!.ChainElements.Select(element => element.Certificate)]) is { } flaw)
            throw new CertificateProblem($"{server} showed a certificate that is not acceptable: {flaw}; make a new one for it with `runner certs server`");
        // Asked again and stricter: the platform also takes a common name for a host.
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) || !certificate.MatchesHostname(host, allowWildcards: true, allowCommonName: false))
            throw new CertificateProblem($"{server} showed a certificate for another host ({string.Join(", ", HostNames.Of(certificate).Select(Printable.Of).DefaultIfEmpty("none"))}); call it by one of those names, or make a certificate for {host}");
        return CertificatePurpose.Server.Allows(certificate) && errors == SslPolicyErrors.None
            ? true
            : throw new CertificateProblem($"{server} showed a certificate that is not for servers (extended key usage serverAuth is missing)");
    }

    private static string Reasons(X509Chain? chain) =>
        chain is null ? "no chain" : string.Join(", ", chain.ChainStatus.Select(status => status.Status).Distinct());
}
