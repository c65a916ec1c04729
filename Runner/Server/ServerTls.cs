using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Runner.Access;
using Runner.Certificates;

namespace Runner.Server;

/// <summary>Mutual TLS 1.3 on a listener: a connection that stands belongs to a verified caller with a role.</summary>
static class ServerTls
{
    /// <param name="trust">Asked at every connection, so that renewed certificates can be swapped in while serving.</param>
    public static void UseMutualTls(this ListenOptions listen, Func<ServerTrust> trust, ILogger log)
    {
        listen.Protocols = HttpProtocols.Http2;
        var refusals = new RefusalLog(log, TimeProvider.System);
        listen.Use(RecordBlocks.Use);
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = TimeSpan.FromSeconds(10),
            OnConnection = context => ValueTask.FromResult(Options(trust(), context.Connection, refusals)),
        });
        listen.Use(next => connection => CertificateTime.ServeAsync(connection, next, TimeProvider.System));
    }

    private static SslServerAuthenticationOptions Options(ServerTrust trust, ConnectionContext connection, RefusalLog log) => new()
    {
        ServerCertificateContext = trust.Own,
        EnabledSslProtocols = SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http2],
        ClientCertificateRequired = true,
        CertificateChainPolicy = trust.Clients.ToPolicy(CertificatePurpose.Client),
        // A resumed connection would be taken on the word of an old handshake.
        AllowTlsResume = false,
        AllowRenegotiation = false,
        RemoteCertificateValidationCallback = (_, certificate, chain, errors) => Accept(connection, certificate as X509Certificate2, chain, errors, log),
    };

    private static bool Accept(ConnectionContext connection, X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors, RefusalLog log)
    {
        var identity = certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable)
            ? new ClientIdentity.Refused("it sent no client certificate")
            : errors != SslPolicyErrors.None
                ? new ClientIdentity.Refused($"its client certificate is not acceptable: {Reasons(chain, errors)}")
                : CertificateFlaws.Of([.. chain!.ChainElements.Select(element => element.Certificate)]) is { } flaw
                    ? new ClientIdentity.Refused($"its client certificate is not acceptable: {flaw}")
                    : !CertificatePurpose.Client.Allows(certificate)
                        ? new ClientIdentity.Refused("its certificate is not for clients (extended key usage clientAuth is missing)")
                        : ClientIdentity.Read(certificate);
        switch (identity)
        {
            case ClientIdentity.Known known:
                connection.Features.Set(known.Caller);
                connection.Features.Set(new CertificateTime(chain!.ChainElements.Min(element => element.Certificate.NotAfter)));
                return true;
            case ClientIdentity.Refused refused:
                log.Refused(connection.RemoteEndPoint, refused.Reason, certificate?.GetCertHashString(HashAlgorithmName.SHA256) ?? "none");
                return false;
            default:
                return false;
        }
    }

    private static string Reasons(X509Chain? chain, SslPolicyErrors errors) =>
        chain is { ChainStatus.Length: > 0 } ? string.Join(", ", chain.ChainStatus.Select(status => status.Status).Distinct()) : errors.ToString();
}
