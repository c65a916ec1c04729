using System.Collections.Concurrent;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>
/// Parent of every job and of every orphan a job leaves: starts them, holds what has to outlive a server, and knows how
/// each went. What a server has not taken note of is told to the next one.
/// </summary>
sealed class JobKeeper
{
    // What is killed and does not go is held by the kernel, as by a disk that does not answer.
    private static readonly TimeSpan s_longestDeath = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_longestWrite = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private readonly object _lock = new();
    private readonly Dictionary<JobId, KeptJob> _jobs = [];
    private readonly Dictionary<int, KeptJob> _byPid = [];
    private readonly Dictionary<int, TaskCompletionSource<ReapedProcess>> _others = [];
    private readonly HashSet<Birth> _births = [];
    private readonly BlockingCollection<Action<ExitFile>> _notes = [];
    private long _born;
    private Outbox? _outbox;

    /// <param name="kept">By the program that was in the place of this one before.</param>
    /// <param name="exits">Where exits are written down before a server is told.</param>
    public JobKeeper(ExitFile exits, IReadOnlyCollection<KeptJob>? kept = null)
    {
        foreach (var job in kept ?? [])
        {
            _jobs.Add(job.Id, job);
            if (job.Gone is { } gone) Note(job, gone); // perhaps not written yet
            else _byPid.Add(job.Process.Pid, job);
        }

        // A thread of its own: a disk that does not answer holds up neither starts nor the reaper.
        new Thread(() => WriteForever(exits)) { Name = "exits", IsBackground = true }.Start();
        new Thread(ReapForever) { Name = "reaper", IsBackground = true }.Start();
    }

    /// <summary>How many jobs are kept whose end no server has stored yet.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _jobs.Count;
        }
    }

    /// <summary>The state directory is there: from now on exits can be written down.</summary>
    public void BeginNotes() => _notes.Add(file => file.Open());

    /// <summary>Starts a process that is no job.</summary>
    /// <returns>Its pidfd, and how it will have gone.</returns>
    /// <exception cref="SpawnException">It could not be started.</exception>
    public (Fd Pidfd, Task<ReapedProcess> Gone) StartOther(SpawnOrder order)
    {
        var gone = new TaskCompletionSource<ReapedProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = Spawn(order, process => _others.Add(process.Pid, gone));
        return (process.Pidfd, gone.Task);
    }

    /// <summary>Tells a server all that is kept, and from now on everything that happens.</summary>
    public void Tell(Outbox server)
    {
        lock (_lock)
        {
            _outbox = server;
            foreach (var job in _jobs.Values)
            {
                server.Add(Messages.Kept(job.Id, job.Process.Pid), [job.Process.Pidfd, .. job.Held]);
                if (job is { IsNoted: true, Gone: { } gone }) server.Add(Messages.Gone(job.Id, job.Process.Pid, gone));
            }
        }
    }

    /// <summary>Starts a job's program. The descriptors to be kept are its own from now on, if it starts. May stand still for as long as an exec does.</summary>
    /// <param name="id">Whose.</param>
    /// <param name="order">What.</param>
    /// <param name="keep">The ends of its pipes that are read.</param>
    /// <param name="server">Who asks.</param>
    /// <exception cref="SpawnException">It did not start, or too late for whoever asked; nothing of it is left.</exception>
    public SpawnedProcess Start(JobId id, SpawnOrder order, IReadOnlyList<Fd> keep, Outbox server)
    {
        var isLate = false;
        var process = Spawn(order, process =>
        {
            var job = new KeptJob(id, process, keep);
            isLate = server != _outbox || !_jobs.TryAdd(id, job);
            if (!isLate) _byPid.Add(process.Pid, job);
        });
        if (!isLate) return process;
        using (process.Pidfd) _ = Libc.SignalProcess(process.Pidfd, Signals.Kill);
        throw new SpawnException(SpawnStep.Clone, Errno.ECHILD, order.Path);
    }

    /// <summary>Lets go of a job whose end is stored.</summary>
    /// <param name="id">Which.</param>
    /// <param name="kill">It was started for nothing.</param>
    public void Forget(JobId id, bool kill = false)
    {
        // Even if it is unknown: it may have been kept by a keeper that died.
        _notes.Add(file => file.Clear(id));
        KeptJob? job;
        lock (_lock)
        {
            if (!_jobs.Remove(id, out job)) return;
            if (job.Gone is null) _byPid.Remove(job.Process.Pid);
        }
        if (kill) _ = Libc.SignalProcess(job.Process.Pidfd, Signals.Kill);
        job.Dispose();
    }

    /// <summary>Ends all jobs where no server is there to do it: SIGTERM to every process of them, SIGKILL after the grace period. Returns when
    /// how they went is written down for the next server, which is all that has to be kept of them then; or when they will not go.</summary>
    public void EndAll(TimeSpan grace)
    {
        lock (_lock)
        {
            _outbox = null; // whoever asked for a start that is still under way asked in vain
            foreach (var job in _byPid.Values) job.InStop = true;
        }
        var cgroups = KeptCgroups.OfThisProcess();
        SignalAll(cgroups, Signals.Terminate);
        UntilAllGone(grace);

        // Told to those that have gone too: they may have left others behind.
        SignalAll(cgroups, Signals.Kill);
        UntilAllGone(s_longestDeath);
        if (!AreAllWritten()) return;
        lock (_lock)
            foreach (var job in _jobs.Values.Where(job => job.IsNoted).ToList())
            {
                _jobs.Remove(job.Id);
                job.Dispose();
            }
    }

    /// <summary>Whether the disk has taken all that is known of exits, which it gets some seconds for.</summary>
    private bool AreAllWritten()
    {
        for (var start = Environment.TickCount64; ;)
        {
            var written = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            _notes.Add(file =>
            {
                file.TryAgain();
                written.SetResult(!file.IsBehind);
            });
            if (!written.Task.Wait(s_longestWrite)) return false;
            if (written.Task.Result || Environment.TickCount64 - start > s_longestWrite.TotalMilliseconds) return written.Task.Result;
            lock (_lock) Monitor.Wait(_lock, s_pause);
        }
    }

    private void SignalAll(KeptCgroups? cgroups, int signal)
    {
        List<KeptJob> jobs;
        lock (_lock) jobs = [.. _jobs.Values];
        cgroups?.Look([.. jobs.Select(job => job.Id)]);
        foreach (var job in jobs)
            if (cgroups?.Signal(job.Id, signal) is not true) _ = Libc.SignalProcess(job.Process.Pidfd, signal);
    }

    private void UntilAllGone(TimeSpan limit)
    {
        var start = Environment.TickCount64;
        lock (_lock)
            while (_byPid.Count > 0 && limit - TimeSpan.FromMilliseconds(Environment.TickCount64 - start) is var left && left > TimeSpan.Zero) Monitor.Wait(_lock, left);
    }

    /// <summary>Lets somebody write down all that is kept: until that returns, nothing of it changes.</summary>
    public void Hold(Action<IReadOnlyCollection<KeptJob>> write)
    {
        lock (_lock) write(_jobs.Values);
    }

    /// <param name="order">What to start.</param>
    /// <param name="enter">Writes down whose process it is, under the lock.</param>
    private SpawnedProcess Spawn(SpawnOrder order, Action<SpawnedProcess> enter)
    {
        using var birth = new Birth();
        lock (_lock) _births.Add(birth);
        try
        {
            // Not under the lock: an exec can hang, as on a file server that does not answer.
            var process = Spawner.Spawn(order, birth);
            lock (_lock) enter(process);
            return process;
        }
        finally
        {
            lock (_lock)
            {
                _births.Remove(birth);
                _born++;
                Monitor.PulseAll(_lock);
            }
        }
    }

    private void WriteForever(ExitFile exits)
    {
        while (true)
        {
            // What a disk has refused is tried again, with every note or after a pause.
            if (_notes.TryTake(out var note, exits.IsBehind ? s_pause : Timeout.InfiniteTimeSpan)) note(exits);
            else exits.TryAgain();
        }
    }

    private void ReapForever()
    {
        while (true)
        {
            var born = Volatile.Read(ref _born);

            // Looked at but not taken: until it is, its number is nobody else's.
            var isOne = ChildWait.Next(out var pid);
            lock (_lock)
            {
                if (isOne && !_births.Any(birth => birth.Pid == pid)) Take(pid);

                // No child at all, or one whose start has still to be written down, or has failed: then it is taken where it was tried.
                else if (_born == born) Monitor.Wait(_lock);
            }
        }
    }

    /// <summary>Under the lock.</summary>
    private void Take(int pid)
    {
        if (ChildWait.Take(pid) is not { } gone) return;
        if (_others.Remove(pid, out var other)) other.SetResult(gone);
        if (!_byPid.Remove(pid, out var job)) return; // an orphan of some job
        job.Gone = gone with { InStop = job.InStop };
        Note(job, job.Gone);
        Monitor.PulseAll(_lock);
    }

    /// <summary>Writes down how it went, and then tells the server.</summary>
    private void Note(KeptJob job, ReapedProcess gone) => _notes.Add(file =>
    {
        file.Write(job.Id, gone);
        lock (_lock)
        {
            if (_jobs.GetValueOrDefault(job.Id) != job) return;
            job.IsNoted = true;
            _outbox?.Add(Messages.Gone(job.Id, job.Process.Pid, gone));
        }
    });
}
