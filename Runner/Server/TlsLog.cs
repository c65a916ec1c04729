using System.Net;
using Microsoft.Extensions.Logging;

namespace Runner.Server;

/// <summary>What the log is told of connections that were refused. Names nothing that the other end could have made up.</summary>
static partial class TlsLog
{
    [LoggerMessage(LogLevel.Warning, "Refused a connection from {Remote}: {Reason} (certificate {Fingerprint})")]
    public static partial void ConnectionRefused(this ILogger logger, EndPoint? remote, string reason, string fingerprint);
}
