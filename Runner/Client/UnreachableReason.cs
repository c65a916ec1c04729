using System.Net.Sockets;
using System.Security.Authentication;
using Grpc.Core;
using Runner.Certificates;

namespace Runner.Client;

/// <summary>Says in one sentence why a server could not be reached, from what the platform threw.</summary>
static class UnreachableReason
{
    public static string Of(string server, ClientProfile profile, RpcException e)
    {
        for (Exception? cause = e; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case CertificateProblem problem:
                    return problem.Message;
                case SocketException { SocketErrorCode: SocketError.ConnectionRefused }:
                    return $"{server}: connection refused; is it running there? (sudo runner serve)";
                case SocketException socket:
                    return $"{server}: {socket.Message}";
                case AuthenticationException authentication:
                    return $"{server}: the TLS handshake failed: {(authentication.InnerException ?? authentication).Message}";
                default:
                    break;
            }
        }

        // With TLS 1.3 a client learns of its refusal only after its own handshake is over.
        return e.StatusCode is StatusCode.Unavailable
            ? $"{server}: closed the connection; it may have refused {profile.Certificate} (its log says why)"
            : $"{server}: {e.StatusCode}: {e.Status.Detail}";
    }
}
