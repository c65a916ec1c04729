using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>Runs one server after another until one of them ends as planned: a server that dies is replaced, and its jobs go on.</summary>
/// <param name="jobs">What outlives a server.</param>
/// <param name="order">How to start one, given its end of the line.</param>
/// <param name="watch">Ends a server that hangs.</param>
/// <param name="manager">Hears how the service is.</param>
/// <param name="tell">Gets a sentence for the log.</param>
sealed class ServerSupervisor(JobKeeper jobs, Func<MessageSocket, SpawnOrder> order, ServerWatch watch, ServiceManager manager, Action<string> tell)
{
    /// <summary>Between a server that died and the next one.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>A server that was told to make way ends with this: neither a failure nor a planned stop.</summary>
    public const int MadeWay = 75; // EX_TEMPFAIL, sysexits.h

    /// <summary>Told so often to stop, a server that does not get as far as answering calls is not waited for.</summary>
    private const int MostStops = 3;

    /// <summary>So many servers may be killed while they end the jobs of a planned stop.</summary>
    private const int MostKilledInStop = 5;

    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_afterReload = TimeSpan.FromSeconds(1);

    // Longer than a server takes when it is well: what it does not finish by then it would not finish.
    private static readonly TimeSpan s_mostDraining = TimeSpan.FromSeconds(15);

    private readonly object _lock = new();
    private Fd? _server;
    private bool _ready;
    private bool _wasReady; // any of them
    private bool _stopping;
    private bool _leaving;
    private int _stops;
    private int _killedInStop;
    private bool _reloading;
    private bool _tried; // the program on disk, for the reload under way
    private bool _reloadAgain;

    /// <summary>The socket that servers listen on; null: none has told yet.</summary>
    public Fd? Socket { get; private set; }

    /// <summary>What is wrong with the program on disk; null: nothing. Null itself: a server is replaced without a look.</summary>
    public Func<string?>? Trial { get; init; }

    /// <summary>Puts the program on disk in the place of this process; returns only if that fails. Called under the lock, between two servers.</summary>
    /// <remarks>Gets whether a reload was asked for once more meanwhile.</remarks>
    public Action<bool>? Replace { get; init; }

    /// <summary>Goes on where the program that was in this place before left off: between two servers of a reload.</summary>
    public void Inherit(Fd? socket, bool reloadAgain) => (Socket, _wasReady, _reloading, _tried, _reloadAgain) = (socket, true, true, true, reloadAgain);

    /// <summary>What jobs get that no server ends in a planned stop.</summary>
    public TimeSpan Grace { get; init; } = JobSpec.DefaultGracePeriod;

    /// <summary>Returns the exit code of the server that ended as planned, or that never got as far as answering calls. A stop that is to end the jobs ends them, whatever becomes of the servers.</summary>
    public int Run()
    {
        var code = RunServers();
        var grace = Grace;
        lock (_lock)
        {
            if (!_stopping || _leaving || jobs.Count == 0) return code;
            if (_stops > 1) grace = TimeSpan.Zero;
        }
        tell("no server ends the jobs, so the keeper does; the next one records how they ended");
        jobs.EndAll(grace);
        return code;
    }

    private int RunServers()
    {
        for (var pause = s_firstPause; ;)
        {
            var exit = RunOne(out var wasReady);
            if (wasReady) pause = s_firstPause;
            lock (_lock)
            {
                if (_leaving) return 0;
                if (_stops >= MostStops && !wasReady) return 1;
                var madeWay = exit is ProcessExit.Exited(MadeWay);
                if (!madeWay && exit is ProcessExit.Exited(var code) && (code == 0 || !_wasReady || _stopping)) return code;
                if (!madeWay && _stopping && ++_killedInStop >= MostKilledInStop) return 1;
                if (!madeWay) manager.Status($"the server {How(exit)}; another one starts");
                if (!madeWay) tell($"the server {How(exit)}; its jobs go on, another one starts in {(_stopping ? 0 : _tried ? s_afterReload.TotalSeconds : pause.TotalSeconds):0.#} s");
                if (_tried && !_stopping)
                {
                    // The program that takes this one's place does not know how often servers of its own have failed.
                    if (!madeWay) Monitor.Wait(_lock, s_afterReload);
                    if (!_stopping) Replace?.Invoke(_reloadAgain);
                    continue;
                }
                if (madeWay) continue;
                if (!_stopping) Monitor.Wait(_lock, pause);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    /// <summary>SIGHUP replaces the server by the program on disk. Every other signal ends it, and those that come after it too.</summary>
    public void Signal(int signal)
    {
        lock (_lock)
        {
            if (signal is Signals.HangUp) BeginReload();
            else Stop(signal);
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Ends the server but not its jobs: it makes way, and none comes after it. Told twice, it is not waited for.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            if (!_stopping) manager.Stopping();
            if ((_leaving || !BeginLeaving()) && _server is { } slow) _ = Libc.SignalProcess(slow, Signals.Kill);
            _stopping = _leaving = true;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>False: there is no room for a thread.</summary>
    private bool BeginLeaving()
    {
        try
        {
            new Thread(() => { lock (_lock) MakeWay(); }) { Name = "leave", IsBackground = true }.Start();
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>Acts on what comes, under the lock: while <see cref="Replace"/> is called nothing is taken and lost.</summary>
    /// <param name="name">Of whence.</param>
    /// <param name="wait">Waits until something has come, and leaves it there.</param>
    /// <param name="act">Takes it and acts on it. False: there is no more.</param>
    public Thread ListenTo(string name, Action wait, Func<bool> act)
    {
        var thread = new Thread(() =>
        {
            while (true)
            {
                wait();
                lock (_lock)
                    if (!act()) return;
            }
        }) { Name = name, IsBackground = true };
        thread.Start();
        return thread;
    }

    private void Stop(int signal)
    {
        if (!_stopping) manager.Stopping();
        _stopping = true;
        if (++_stops >= MostStops && !_ready) signal = Signals.Kill;
        else if (!_ready) return; // it is told when it can act on it
        if (_server is { } server) _ = Libc.SignalProcess(server, signal);
    }

    /// <summary>Under the lock. One that comes while another is under way, or no server is there, is done after that, once.</summary>
    private void BeginReload()
    {
        if (_stopping) return;
        if (_reloading || !_ready)
        {
            _reloadAgain = true;
            return;
        }
        (_reloading, _reloadAgain) = (true, false);
        manager.Reloading();
        try
        {
            new Thread(Reload) { Name = "reload", IsBackground = true }.Start();
        }
        catch (OutOfMemoryException e)
        {
            Refuse($"there is no room for a thread: {e.Message}");
        }
    }

    private void Reload()
    {
        var flaw = Trial?.Invoke();
        lock (_lock)
        {
            if (_stopping) return;
            if (flaw is not null)
            {
                Refuse(flaw);
                if (_reloadAgain) BeginReload();
                return;
            }

            if (!_ready || _server is null)
            {
                // It has died meanwhile: after the next one has come.
                (_reloading, _reloadAgain) = (false, true);
                return;
            }
            _tried = true;
            MakeWay();
        }
    }

    /// <summary>Under the lock. Tells the server to leave everything to another one, and waits until it has gone.</summary>
    private void MakeWay()
    {
        if (_server is not { } server) return;
        _ = Libc.SignalProcess(server, Signals.HangUp);
        var since = Environment.TickCount64;
        while (_server == server && s_mostDraining - TimeSpan.FromMilliseconds(Environment.TickCount64 - since) is var left && left > TimeSpan.Zero) Monitor.Wait(_lock, left);
        if (_server == server) _ = Libc.SignalProcess(server, Signals.Kill);
    }

    private void Refuse(string flaw)
    {
        tell($"not reloaded: {flaw}; the server goes on as it is");
        _reloading = false;
        if (_ready) manager.Ready();
    }

    /// <param name="wasReady">Whether it got as far as answering calls.</param>
    private ProcessExit RunOne(out bool wasReady)
    {
        wasReady = false;
        if (CreateLine() is not var (mine, theirs)) return new ProcessExit.Exited(1);
        var line = new ServerLine(mine, jobs, watch, End) { Listening = Keep, Ready = BecomeReady };
        Task<ReapedProcess> gone;
        using (theirs)
        {
            try
            {
                lock (_lock)
                {
                    (_server, gone) = jobs.StartOther(order(theirs));
                    _ready = false;
                }
            }
            catch (SpawnException e)
            {
                mine.Dispose();
                tell($"the server cannot be started: {e.Message}");
                return new ProcessExit.Exited(1);
            }
            watch.Begin(mine, _server!);
            try
            {
                line.Open(Socket);
            }
            catch (OutOfMemoryException e)
            {
                End(e);
            }
        }
        var exit = gone.GetAwaiter().GetResult().Exit;
        watch.End(mine);
        if (line.IsOpen) line.Ended.GetAwaiter().GetResult();
        lock (_lock)
        {
            _server!.Dispose();
            (_server, wasReady, _ready) = (null, _ready, false);
            Monitor.PulseAll(_lock);
        }
        return exit;
    }

    private (MessageSocket Mine, MessageSocket Theirs)? CreateLine()
    {
        try
        {
            return MessageSocket.CreatePair();
        }
        catch (LinuxException e)
        {
            tell($"the server cannot be started: {e.Message}");
            return null;
        }
    }

    private void Keep(Fd socket)
    {
        Socket?.Dispose();
        Socket = socket;
    }

    private void BecomeReady()
    {
        jobs.BeginNotes();
        lock (_lock)
        {
            (_ready, _wasReady) = (true, true);
            if (_tried) _reloading = _tried = false;
            if (_stopping)
            {
                _ = Libc.SignalProcess(_server!, _leaving ? Signals.HangUp : Signals.Terminate);
                return;
            }
            manager.Ready();
            if (_reloadAgain) BeginReload();
        }
    }

    /// <summary>The line cannot be used any more, and without it the server is of no use.</summary>
    private void End(Exception why)
    {
        tell($"the server is ended: {why.Message}");
        lock (_lock)
            if (_server is { } server) _ = Libc.SignalProcess(server, Signals.Kill);
    }

    /// <summary>What became of a process, as in "it exited with code 1".</summary>
    public static string How(ProcessExit exit) => exit switch
    {
        ProcessExit.Exited(var code) => $"exited with code {code}",
        ProcessExit.Signaled(var signal, _) => $"was killed by signal {signal}",
        _ => "has gone",
    };
}
