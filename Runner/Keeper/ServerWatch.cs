using System.Diagnostics;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>
/// Asks the server again and again whether it is alive, and kills one that has not answered for too long, so that it is
/// replaced as one that crashed. The service manager hears from the keeper as long as this goes on.
/// </summary>
sealed class ServerWatch : IDisposable
{
    private static readonly TimeSpan s_longestPause = TimeSpan.FromHours(1); // a wait takes at most 2^31 ms

    private readonly object _lock = new();
    private readonly TimeSpan _patience;
    private readonly TimeSpan _pause;
    private readonly ServiceManager _manager;
    private readonly Action<string> _tell;
    private (MessageSocket Line, Fd Process)? _server;
    private long _heard = Stopwatch.GetTimestamp();
    private bool _over;

    /// <param name="patience">How long a server may be silent.</param>
    /// <param name="manager">Hears of the keeper.</param>
    /// <param name="tell">Gets a sentence for the log.</param>
    public ServerWatch(TimeSpan patience, ServiceManager manager, Action<string> tell)
    {
        (_patience, _manager, _tell) = (patience, manager, tell);
        _pause = patience / 6 < s_longestPause ? patience / 6 : s_longestPause;
        if (manager.Watchdog is { } most && most / 3 < _pause) _pause = most / 3;
        new Thread(WatchForEver) { Name = "server watch", IsBackground = true }.Start();
    }

    /// <summary>A server has been started; its descriptors stay the caller's.</summary>
    public void Begin(MessageSocket line, Fd process)
    {
        lock (_lock) (_server, _heard) = ((line, process), Stopwatch.GetTimestamp());
    }

    /// <summary>It said something, which has been done.</summary>
    public void Heard()
    {
        lock (_lock) _heard = Stopwatch.GetTimestamp();
    }

    /// <summary>It is gone.</summary>
    public void End(MessageSocket line)
    {
        lock (_lock)
            if (_server?.Line == line) (_server, _heard) = (null, Stopwatch.GetTimestamp());
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _over = true;
            Monitor.PulseAll(_lock);
        }
    }

    private void WatchForEver()
    {
        var last = Stopwatch.GetTimestamp();
        while (true)
        {
            bool well;
            lock (_lock)
            {
                Monitor.Wait(_lock, _pause);
                if (_over) return;

                // This process was stopped itself, or the machine: nobody could answer meanwhile.
                if (Stopwatch.GetElapsedTime(last) > _pause * 3) _heard = Stopwatch.GetTimestamp();
                last = Stopwatch.GetTimestamp();
                well = Stopwatch.GetElapsedTime(_heard) < _patience + ServerSupervisor.LongestPause;
                if (_server is { } server) Ask(server.Line, server.Process);
            }

            // Outside the lock: it may take a moment. A keeper that cannot get rid of a server falls silent too.
            if (well && _manager.Watchdog is not null) _manager.Alive();
        }
    }

    private void Ask(MessageSocket line, Fd process)
    {
        if (Stopwatch.GetElapsedTime(_heard) < _patience)
        {
            // One that does not read has a full line some day: then it has been asked often enough.
            line.TrySend(Messages.Plain(MessageKind.Ping));
            return;
        }
        _tell($"the server has not answered for {_patience.TotalSeconds:0.#} s, so it is killed");
        _ = Libc.SignalProcess(process, Signals.Kill);
        _server = null;
    }
}
