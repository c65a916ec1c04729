using Microsoft.Extensions.Logging;
using Runner.Output;

namespace Runner.Jobs;

/// <summary>A job from its exec to its stored end. The end is decided once and told only when it is stored.</summary>
sealed class RunningJob
{
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(10);

    // A timer takes at most 2^32 - 2 ms.
    private static readonly TimeSpan s_longestTimer = TimeSpan.FromDays(30);

    private readonly Lock _lock = new();
    private readonly IJobProcess _process;
    private readonly IJobStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private EndingPlan? _ending; // its cause is the first one, its time the earliest
    private bool _exitSeen;
    private volatile bool _isStored; // its end, or is about to be
    private volatile string? _refused; // what the machine said to the step of the end that is being tried
    private volatile JobRecord _record;

    /// <param name="ending">Of a job that a former server had told to end.</param>
    public RunningJob(JobRecord record, IJobProcess process, IJobStore store, TimeProvider time, ILogger logger, EndingPlan? ending = null)
    {
        _ending = ending;
        (_record, _process, _store, _time, _logger) = (record, process, store, time, logger);
        (Stdout, Stderr, Index) = (process.Stdout, process.Stderr, process.Index);
    }

    public JobRecord Record => _record;
    public OutputLog Stdout { get; }
    public OutputLog Stderr { get; }
    public OutputLog Index { get; }

    /// <summary>Why its output or its end cannot be kept now, so that it waits; null: it can.</summary>
    public string? HeldBack => _ended.Task.IsCompleted ? null : _refused ?? _process.HeldBack;

    /// <summary>Its main process has gone, and its end cannot be stored now.</summary>
    public bool EndWaits => _gone.Task.IsCompleted && HeldBack is not null;

    /// <summary>Bytes of its output and index so far.</summary>
    public long StoredBytes => Stdout.StoredBytes + Stderr.StoredBytes + Index.StoredBytes;

    /// <summary>The same of one whose end is not stored: whoever has met it among those that have ended finds none.</summary>
    public long UnendedBytes => _isStored ? 0 : StoredBytes;

    /// <summary>Stores whether it is pinned.</summary>
    public void Pin(bool pinned)
    {
        lock (_lock)
        {
            _store.Pin(_record.Id, pinned);
            _record = _record with { Pinned = pinned };
        }
    }

    /// <summary>Done once the end is stored and the output complete.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Null once the machine has taken its accounting back.</summary>
    public ResourceUsage? ReadUsage()
    {
        lock (_lock) return _record.State is JobState.Running ? _process.ReadUsage(settled: false) : null;
    }

    /// <summary>Waits for the job's end, records it, tells it, and gives everything back. Called once; never fails.</summary>
    public async Task SuperviseAsync()
    {
        if (_ending is { } ending) GoOnEnding(ending);
        if (_record.Spec.Timeout is { } timeout) _ = TimeOutAsync(timeout);
        _ = EndAtOutputLimitAsync();
        ProcessExit? exit = null;
        var unknown = "";
        try
        {
            exit = await _process.Exited.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Somebody else took its status: it is gone, and nobody can say how.
            unknown = e.Message;
        }
        var endedAt = _process.ExitedAt ?? _time.GetUtcNow();
        if (endedAt < _record.StartedAt) endedAt = _record.StartedAt; // a clock was set back
        EndCause? cause;
        lock (_lock)
        {
            // From here on a stop or the timeout is too late to be the reason.
            _exitSeen = true;
            cause = _ending?.Cause;
        }
        _gone.SetResult();

        await UntilDoneAsync("settled", _process.SettleAsync).ConfigureAwait(false);
        var (usage, reach) = (ResourceUsage.None, OomReach.None);
        await UntilDoneAsync("accounted for", () =>
        {
            usage = _process.ReadUsage(settled: true);
            if (exit is not null) reach = _process.OomReach(exit, usage);
        }).ConfigureAwait(false);
        var end = exit is null
            ? new JobEnd.Lost($"the kernel did not tell how it ended: {unknown}", LostReason.NotTold)
            : JobEnd.Decide(exit, cause, reach);
        var leftovers = reach is OomReach.WholeJob ? null : _process.LeftoverProcesses;

        // Before the end is on record: whoever was told of it finds every byte, even after a power cut. Read meanwhile, as each may take seconds.
        var synced = UntilDoneAsync("brought to the disk", _process.SyncAsync);
        var (stdout, stderr) = (await KeptAsync(Stdout).ConfigureAwait(false), await KeptAsync(Stderr).ConfigureAwait(false));
        await synced.ConfigureAwait(false);

        // What was read then may have been in memory alone, and not be what the disk has now.
        if (_process.DiskFailed) (stdout, stderr) = (await KeptAsync(Stdout).ConfigureAwait(false), await KeptAsync(Stderr).ConfigureAwait(false));
        var state = new JobState.Ended(endedAt, end, usage, Stdout.Length, Stderr.Length, leftovers, stdout, stderr, _process.HeldOpen, _process.DiskFailed) { StoredBytes = StoredBytes };
        var record = _record with { State = state };

        // An end that is told but not kept would be a lie after a restart.
        await UntilDoneAsync("recorded", () =>
        {
            _isStored = true; // before others can find it so
            try
            {
                _store.RecordEnd(record);
            }
            catch
            {
                _isStored = false;
                throw;
            }
        }).ConfigureAwait(false);
        lock (_lock) _record = _record with { State = record.State };

        // Whoever is told of the end finds nothing left of the job; but what will not go does not keep the end back.
        var cleaningUp = UntilDoneAsync("cleaned up", _process.Dispose);
        Stdout.Complete();
        Stderr.Complete();
        Index.Complete();
        _logger.JobEnded(record.Id, end);
        _ended.SetResult();
        await cleaningUp.ConfigureAwait(false);
    }

    /// <summary>A signal to every process, SIGKILL after the grace period; returns when the end is stored.</summary>
    /// <param name="by">Who asks, for the record. The first to ask is the one recorded.</param>
    /// <param name="signal">The first signal, in general SIGTERM.</param>
    /// <param name="grace">How long to wait between the two; zero kills at once.</param>
    /// <param name="cancellationToken">Stops this wait; the stop itself goes on.</param>
    /// <param name="patience">How long an end that cannot be stored is waited for; null: for ever.</param>
    /// <exception cref="JobException">It had ended before, or its end cannot be stored for that long.</exception>
    public async Task StopAsync(string by, int signal, TimeSpan grace, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        var late = false;
        lock (_lock)
        {
            if (_exitSeen) late = true;
            else
            {
                Plan(new EndCause.Stop(by), grace, signal);
                if (grace > TimeSpan.Zero) Tell(signal);
            }
        }
        if (!late) _ = KillAfterAsync(grace);
        await _gone.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (patience is { } longest) await _ended.Task.WaitAsync(longest, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException) when (HeldBack is { } why)
        {
            throw new JobException(JobError.Exhausted, $"job {_record.Id}: no process of it runs any more, but its end is not stored yet: {why}; it is tried until it can be") { Step = "disk" };
        }
        catch (TimeoutException)
        {
            // It takes long, and nothing is wrong.
        }
        await _ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);

        // Told only now, so that whoever is told it has ended finds it ended.
        if (late) throw AlreadyEnded(_record.Id);
    }

    /// <summary>Sends a signal, whatever comes of it; returns when it is sent.</summary>
    /// <param name="signal">Its number.</param>
    /// <param name="all">To every process of it; else to the main one alone.</param>
    /// <param name="cancellationToken">Stops the wait for the end of a job that is ending.</param>
    /// <exception cref="JobException">It had ended before, or could not be signalled.</exception>
    public async Task SignalAsync(int signal, bool all, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!_exitSeen && _process.SignalMain(all ? 0 : signal))
            {
                if (all) _process.Signal(signal, wake: false);
                return;
            }
        }
        await _ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        throw AlreadyEnded(_record.Id);
    }

    /// <summary>What is kept of a stream that is at its end, with its digest; null: nothing was written to it, or it cannot be read.</summary>
    private async Task<KeptOutput?> KeptAsync(OutputLog log)
    {
        if (log.Length == 0) return null;
        try
        {
            return (log.Kept ?? new(0, 0)) with { Sha256 = await OutputDigest.OfAsync(log).ConfigureAwait(false) };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A disk that cannot be read does not keep the end back.
            _logger.NoDigest(_record.Id, e.Message);
            return log.Kept;
        }
    }

    public static JobException AlreadyEnded(JobId id) => new(JobError.AlreadyEnded, $"job {id}: has already ended");

    /// <summary>Ends the job when its time is up, as a stop does.</summary>
    private async Task TimeOutAsync(TimeSpan timeout)
    {
        // The clock may have been set since a former server started it.
        var (age, start) = (_process.Age ?? _time.GetUtcNow() - _record.StartedAt, _time.GetTimestamp());
        if (age > TimeSpan.Zero) timeout -= age;
        while (timeout - _time.GetElapsedTime(start) is var left && left > TimeSpan.Zero)
            if (await GoesWithinAsync(left < s_longestTimer ? left : s_longestTimer).ConfigureAwait(false)) return;
        await EndAsync(new EndCause.Timeout()).ConfigureAwait(false);
    }

    private async Task EndAtOutputLimitAsync()
    {
        await _process.OutputLimitPassed.ConfigureAwait(false);
        await EndAsync(new EndCause.OutputLimit()).ConfigureAwait(false);
    }

    /// <summary>As a stop does, for a reason of the job's own.</summary>
    private async Task EndAsync(EndCause cause)
    {
        lock (_lock)
        {
            // One that has gone has its own end, even if this server has not been told how: it may have ended while none was there.
            if (_exitSeen || !_process.SignalMain(0)) return;

            // Whoever is being stopped has been told to end, and is now held to the job's own grace period.
            var isFirst = _ending is null;
            Plan(cause, _record.Spec.GracePeriod, isFirst ? Signals.Terminate : _ending!.Signal);
            if (isFirst && _record.Spec.GracePeriod > TimeSpan.Zero) Tell(Signals.Terminate);
        }
        await KillAfterAsync(_record.Spec.GracePeriod).ConfigureAwait(false);
    }

    /// <summary>What a former server had begun. It may have died before it told the job, which is told twice rather than never.</summary>
    private void GoOnEnding(EndingPlan ending)
    {
        // By a clock that may have been set back meanwhile: no grace period is longer than the longest.
        var left = ending.KillAt - _time.GetUtcNow();
        if (left > JobRules.MostGrace) left = JobRules.MostGrace;
        lock (_lock)
        {
            if (left > TimeSpan.Zero && !_exitSeen) Tell(ending.Signal);
        }
        _ = KillAfterAsync(left);
    }

    /// <summary>Before the job is told: a server that comes after this one must know why it ends. Under the lock.</summary>
    private void Plan(EndCause cause, TimeSpan grace, int signal)
    {
        var killAt = _time.GetUtcNow() + grace;
        _ending = new(_ending?.Cause ?? cause, _ending is { } before && before.KillAt < killAt ? before.KillAt : killAt, signal);
        try
        {
            _store.RecordEnding(_record.Id, _ending);
        }
        catch (StoreException e)
        {
            // The end is more urgent than what is said of it, should this server die before it has come.
            _logger.EndingNotStored(_record.Id, e.Message);
        }
    }

    /// <summary>Whether the main process goes before the time is over. No timer is left when it does.</summary>
    private async Task<bool> GoesWithinAsync(TimeSpan limit)
    {
        try
        {
            await _gone.Task.WaitAsync(limit, _time).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task KillAfterAsync(TimeSpan grace)
    {
        if (grace > TimeSpan.Zero && await GoesWithinAsync(grace).ConfigureAwait(false)) return;
        await UntilDoneAsync("killed", () =>
        {
            // Under the lock: the processes are ours until their end has been seen.
            lock (_lock)
            {
                if (!_exitSeen) _process.Kill();
            }
        }).ConfigureAwait(false);
    }

    /// <summary>The first signal. If it cannot be given, the kill after the grace period still comes.</summary>
    private void Tell(int signal)
    {
        try
        {
            _process.Signal(signal, wake: true);
        }
        catch (Exception e)
        {
            _logger.NotSignalled(_record.Id, e.Message);
        }
    }

    private Task UntilDoneAsync(string what, Action step) => UntilDoneAsync(what, () =>
    {
        step();
        return Task.CompletedTask;
    });

    /// <summary>Tries again what a machine without descriptors, memory or disk refuses for a while: a job is never let go of.</summary>
    private async Task UntilDoneAsync(string what, Func<Task> step)
    {
        for (var pause = s_firstPause; ; pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause)
        {
            try
            {
                await step().ConfigureAwait(false);
                _refused = null;
                return;
            }
            catch (Exception e)
            {
                _refused = $"it could not be {what}: {e.Message}";
                _logger.TriedAgain(_record.Id, what, pause, e.Message);
            }
            await Task.Delay(pause, _time).ConfigureAwait(false);
        }
    }
}
