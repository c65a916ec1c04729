using System.Net;
using Microsoft.Extensions.Logging;

namespace Runner.Server;

/// <summary>Tells of refused connections, but never so much that the log is full of them: the rest is counted and told as a number.</summary>
sealed class RefusalLog(ILogger log, TimeProvider time)
{
    private const int MostInAWindow = 10;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private ITimer? _window;
    private int _refused;

    public void Refused(EndPoint? remote, string reason, string fingerprint)
    {
        lock (_lock)
        {
            _window ??= time.CreateTimer(_ => EndWindow(), null, Window, Timeout.InfiniteTimeSpan);
            if (++_refused > MostInAWindow) return;
        }
        log.ConnectionRefused(remote, reason, fingerprint);
    }

    private void EndWindow()
    {
        int untold;
        lock (_lock)
        {
            untold = _refused - MostInAWindow;
            _window?.Dispose();
            (_window, _refused) = (null, 0);
        }
        if (untold > 0) log.MoreConnectionsRefused(untold);
    }
}
