using System.Net;
using Microsoft.Extensions.Logging;
using Runner.Access;

namespace Runner.Server;

/// <summary>Everything this room says to the log. Names nothing that the other end could have made up.</summary>
static partial class ServerLog
{
    [LoggerMessage(LogLevel.Warning, "Refused a connection from {Remote}: {Reason} (certificate {Fingerprint})")]
    public static partial void ConnectionRefused(this ILogger logger, EndPoint? remote, string reason, string fingerprint);

    [LoggerMessage(LogLevel.Debug, "{Caller} ({Role}) called {Method}")]
    public static partial void CallAllowed(this ILogger logger, string caller, Role role, string method);

    [LoggerMessage(LogLevel.Warning, "{Caller} ({Role}) was refused {Method}")]
    public static partial void CallRefused(this ILogger logger, string caller, Role role, string method);

    [LoggerMessage(LogLevel.Warning, "{Caller} ({Role}) was refused {Method}: the certificate of the connection has expired")]
    public static partial void CertificateExpired(this ILogger logger, string caller, Role role, string method);

    [LoggerMessage(LogLevel.Error, "{Method} failed")]
    public static partial void CallFailed(this ILogger logger, Exception exception, string method);
}
