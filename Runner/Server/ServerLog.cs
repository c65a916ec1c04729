using System.Net;
using Microsoft.Extensions.Logging;
using Runner.Access;
using Runner.Jobs;

namespace Runner.Server;

/// <summary>Everything this room says to the log. Names nothing that the other end could have made up.</summary>
static partial class ServerLog
{
    [LoggerMessage(LogLevel.Warning, "Refused a connection from {Remote}: {Reason} (certificate {Fingerprint})")]
    public static partial void ConnectionRefused(this ILogger logger, EndPoint? remote, string reason, string fingerprint);

    [LoggerMessage(LogLevel.Warning, "Refused {Count} more connections within a second")]
    public static partial void MoreConnectionsRefused(this ILogger logger, int count);

    [LoggerMessage(LogLevel.Information, "{Caller} ({Role}) called {Method} for job {Id}")]
    public static partial void JobCalled(this ILogger logger, string caller, Role role, string method, JobId id);

    [LoggerMessage(LogLevel.Information, "{Caller} ({Role}) removed {Jobs} jobs with {Bytes} bytes of output")]
    public static partial void Pruned(this ILogger logger, string caller, Role role, long jobs, long bytes);

    [LoggerMessage(LogLevel.Information, "{Caller} ({Role}) removed the output of {Jobs} jobs, {Bytes} bytes")]
    public static partial void OutputPruned(this ILogger logger, string caller, Role role, long jobs, long bytes);

    [LoggerMessage(LogLevel.Debug, "{Caller} ({Role}) asked for something that is not served")]
    public static partial void NotServed(this ILogger logger, string caller, Role role);

    [LoggerMessage(LogLevel.Debug, "{Caller} ({Role}) called {Method} with a request that could not be read")]
    public static partial void Unreadable(this ILogger logger, string caller, Role role, string method);

    [LoggerMessage(LogLevel.Debug, "{Caller} ({Role}) called {Method}")]
    public static partial void CallAllowed(this ILogger logger, string caller, Role role, string method);

    [LoggerMessage(LogLevel.Warning, "{Caller} ({Role}) was refused {Method}")]
    public static partial void CallRefused(this ILogger logger, string caller, Role role, string method);

    [LoggerMessage(LogLevel.Warning, "{Caller} ({Role}) was refused {Method}: the certificate of the connection has expired")]
    public static partial void CertificateExpired(this ILogger logger, string caller, Role role, string method);

    [LoggerMessage(LogLevel.Warning, "The disk of the state directory has no room: {Words}")]
    public static partial void DiskIsFull(this ILogger logger, string words);

    [LoggerMessage(LogLevel.Warning, "The disk of the state directory does not take what is to be stored: {Words}")]
    public static partial void DiskFails(this ILogger logger, string words);

    [LoggerMessage(LogLevel.Information, "The disk of the state directory has room: {Words}")]
    public static partial void DiskHasRoom(this ILogger logger, string words);

    [LoggerMessage(LogLevel.Error, "{Method} failed")]
    public static partial void CallFailed(this ILogger logger, Exception exception, string method);
}
