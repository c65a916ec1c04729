using System.Net.Sockets;
using System.Security.Authentication;
using Google.Protobuf;
using Grpc.Core;
using Runner.Certificates;

namespace Runner.Client;

/// <summary>Says in one sentence why a server could not be talked to, and what to do about it.</summary>
static class ConnectionTrouble
{
    /// <param name="error">What a call threw; the reason may lie anywhere among its inner exceptions.</param>
    /// <param name="profile">Whom it meant to talk to, and as whom.</param>
    /// <param name="hasAnswered">This server has answered before, so it has accepted the certificate.</param>
    /// <returns>Nothing when the trouble is not the connection's.</returns>
    public static string? Explain(Exception error, ClientProfile profile, bool hasAnswered = false)
    {
        var causes = Causes(error).ToList();
        var server = profile.Server.Authority;
        if (causes.OfType<CertificateProblem>().FirstOrDefault() is { } problem) return problem.Message;

        // Both are IOExceptions too, but of a connection that stands.
        if (causes.OfType<InvalidProtocolBufferException>().FirstOrDefault() is { } garbled) return $"server {server}: answered nonsense: {garbled.Message.TrimEnd('.')}";
        if (causes.OfType<HttpProtocolException>().FirstOrDefault() is { ErrorCode: not NoError } broken)
            // The number of the error is no other than for a broken protocol.
            return broken.Message.Contains("ping request", StringComparison.Ordinal)
                ? $"server {server}: answers no more; is it up, and is the network?"
                : $"server {server}: broke off the call: {broken.Message.TrimEnd('.')}";
        if (hasAnswered && causes.Any(cause => cause is IOException)) return $"server {server}: went away during the call; is it still up?";
        if (causes.OfType<SocketException>().LastOrDefault() is { } socket) return Explain(socket.SocketErrorCode, profile);
        if (causes.OfType<AuthenticationException>().LastOrDefault() is { } handshake)
            return IsAlert(handshake, profile) ?? $"{server} and this client found no common TLS 1.3 ({handshake.Message}); is that a runner server?";
        if (causes.Any(cause => cause is TimeoutException)) return $"{server} did not answer in time; is it up, and does a firewall let the port through?";

        // How far the handshake got when the server hung up decides which of these it is; the reason is the same. A request that is being sent is cancelled.
        if (!causes.Any(cause => cause is IOException or HttpRequestException or OperationCanceledException)) return null;
        return hasAnswered
            ? $"server {server}: went away during the call; is it still up?"
            : $"{server} closed the connection; it may not accept {profile.Certificate}, which its log then explains";
    }

    /// <summary>Whether it is the connection that broke or could not be made, so that the same call may be answered later.</summary>
    public static bool IsBroken(RpcException error)
    {
        var causes = Causes(error).ToList();
        if (causes.Any(cause => cause is CertificateProblem or AuthenticationException or InvalidProtocolBufferException)) return false;
        if (causes.OfType<HttpProtocolException>().FirstOrDefault() is { } protocol)
            return protocol.ErrorCode is NoError or RefusedStream or Cancelled || protocol.Message.Contains("ping request", StringComparison.Ordinal);

        // A server that is ending cancels the calls it has. Whoever gave up himself is asked before this.
        return error.StatusCode is StatusCode.Unavailable or StatusCode.Cancelled;
    }

    /// <summary>Whether it broke in the handshake: only after that does a server of TLS 1.3 look at the client's certificate, and may hang up because of it.</summary>
    public static bool IsCutShort(RpcException error) =>
        Causes(error).OfType<HttpRequestException>().Any(cause => cause.HttpRequestError is HttpRequestError.SecureConnectionError) && Causes(error).Any(cause => cause is IOException);

    /// <summary>Whether the server, which was heard, closed the connection because it makes way for another one or ends: by saying so, or before the call was sent on it.</summary>
    public static bool IsGoodbye(RpcException error) =>
        Causes(error).OfType<HttpProtocolException>().FirstOrDefault() is { ErrorCode: NoError }
        // What the platform throws for a new connection that is closed again when it is to be used, and for one that was before it was ready.
        || Causes(error).Last() is HttpRequestException { HttpRequestError: HttpRequestError.Unknown } or ObjectDisposedException;

    // RFC 9113, section 7.
    private const long NoError = 0x0, RefusedStream = 0x7, Cancelled = 0x8;

    private static string Explain(SocketError code, ClientProfile profile) => code switch
    {
        SocketError.ConnectionRefused => $"nothing listens at {profile.Server.Authority}; start `runner serve` there, or name another server with --server or RUNNER_SERVER",
        SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData => $"the host name {profile.Server.Host} cannot be resolved; correct --server or RUNNER_SERVER, or use an address",
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown => $"{profile.Server.Authority} closed the connection; it may not accept {profile.Certificate}, which its log then explains",
        _ => $"{profile.Server.Authority} cannot be reached ({new SocketException((int)code).Message}); is it up, and does a firewall let the port through?",
    };

    // A server's alert comes back as an error of the TLS library, whose number is all there is to go by.
    private static string? IsAlert(AuthenticationException handshake, ClientProfile profile) =>
        handshake.InnerException?.Message.Contains("alert", StringComparison.OrdinalIgnoreCase) is true
            ? $"{profile.Server.Authority} refused the handshake; it may not accept {profile.Certificate}, which its log then explains"
            : null;

    private static IEnumerable<Exception> Causes(Exception? error)
    {
        for (; error is not null; error = error.InnerException) yield return error;
    }
}
