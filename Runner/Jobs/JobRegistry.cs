using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Runner.Access;
using Runner.Output;

namespace Runner.Jobs;

/// <summary>Every job of this server, running or ended. There is no way to a job that does not ask who wants it.</summary>
/// <param name="mostRunning">Most jobs at once; more are refused, so that those that run can always be looked after.</param>
/// <param name="disk">Where there must be room for a start; null: that is not looked at.</param>
sealed partial class JobRegistry(IJobStore store, IJobLauncher launcher, int mostRunning, TimeProvider time, ILogger<JobRegistry> logger, IStateDisk? disk = null)
{
    /// <summary>Jobs being started or running, by id; a job leaves when its end is stored.</summary>
    private readonly ConcurrentDictionary<JobId, Lazy<RunningJob>> _running = new();
    private static readonly TimeSpan s_abandonPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_endPatience = TimeSpan.FromSeconds(5);

    private readonly Readers _readers = new();

    /// <summary>Jobs that were let go of while their cgroups are still being cleared away: a job that took the id of a removed one now would have the same.</summary>
    private readonly ConcurrentDictionary<JobId, RunningJob> _leaving = new();
    private volatile bool _stopping;
    private int _ends;

    /// <summary>How many jobs have ended here so far.</summary>
    public int Ends => Volatile.Read(ref _ends);

    /// <summary>Bytes of the output so far of jobs whose end is not stored, or of those with a label.</summary>
    public long RunningBytes(LabelFilter? label = null) =>
        _running.Values.Where(entry => entry.IsValueCreated && label?.Matches(entry.Value.Record.Spec.Labels) is not false).Sum(entry => entry.Value.UnendedBytes);

    /// <summary>How many jobs run that the caller may see.</summary>
    public int RunningCount(Caller caller) =>
        _running.Values.Count(entry => entry.IsValueCreated && Policy.MaySee(caller, entry.Value.Record.Owner));

    /// <summary>How the disk is that records and output are kept on, and who waits for it.</summary>
    public DiskState Disk()
    {
        var jobs = _running.Values.Where(entry => entry.IsValueCreated).Select(entry => entry.Value).ToList();
        return new(disk?.Look(), jobs.Count(job => job.HeldBack is not null && !job.EndWaits), jobs.Count(job => job.EndWaits));
    }

    /// <summary>Starts a job; with an id that is known already and the same spec, answers that job.</summary>
    /// <exception cref="JobException">The spec is not valid, the job cannot be started, or the id names another job.</exception>
    public Job Start(JobId id, JobSpec spec, Caller caller)
    {
        JobRules.Check(spec);

        // Of several starts with one id, one runs and the others wait for what comes of it; if nothing does, the next one tries.
        var mine = new Lazy<RunningJob>(() => Launch(id, spec, caller));
        while (true)
        {
            var entry = _running.GetOrAdd(id, mine);
            if (TryJoin(id, entry, ReferenceEquals(entry, mine), spec, caller) is { } job) return job;
        }
    }

    /// <summary>Null: somebody else's start failed, of which only they are told.</summary>
    private Job? TryJoin(JobId id, Lazy<RunningJob> entry, bool isMine, JobSpec spec, Caller caller)
    {
        RunningJob running;
        try
        {
            running = entry.Value;
        }
        catch (AlreadyStoredException e)
        {
            Forget(id, entry);
            return SameOrRefused(Stored(e.Record), spec, caller);
        }
        catch
        {
            Forget(id, entry);
            if (isMine) throw;
            return null;
        }

        // Outside the above: a refusal of this caller takes nothing from the job that runs under the id.
        var job = new Job(running);
        return isMine ? job : SameOrRefused(job, spec, caller);
    }

    /// <exception cref="JobException">There is no such job, or the caller may not see it; which of the two is not told.</exception>
    public Job Find(JobId id, Caller caller)
    {
        // The running ones first: a job is stored as ended before it leaves them. One whose start is not stored yet is not
        // waited for: a start can hang, and would hold this thread too.
        var job = _running.TryGetValue(id, out var entry) && entry.IsValueCreated ? new Job(entry.Value)
            : store.Find(id) is { } record ? Current(record)
            : null;
        return job is not null && Policy.MaySee(caller, job.Record.Owner)
            ? job
            : throw new JobException(JobError.NoSuchJob, $"no job {id}");
    }

    /// <summary>A job whose output is about to be read: neither goes before the second is disposed of.</summary>
    /// <exception cref="JobException">As <see cref="Find"/>.</exception>
    public (Job Job, IDisposable Reading) Open(JobId id, Caller caller)
    {
        var reading = _readers.Enter(id);
        try
        {
            return (Find(id, caller), reading);
        }
        catch
        {
            reading.Dispose();
            throw;
        }
    }

    /// <summary>Keeps an id from being started, and its output from being read until it is decided what becomes of it; null: it runs, is being started, or is read.</summary>
    public Readers.Claim? Claim(JobId id)
    {
        if (_readers.TryClaim(id) is not { } claim) return null;

        // In this order: a start that comes now finds the claim, one that came before is found here.
        if (!IsInUse(id)) return claim;
        claim.Dispose();
        return null;
    }

    /// <summary>Whether <see cref="Claim"/> would succeed now.</summary>
    public bool IsFree(JobId id) => _readers.IsFree(id) && !IsInUse(id);

    private bool IsInUse(JobId id) => _running.TryGetValue(id, out var entry) && !(entry.IsValueCreated && entry.Value.Ended.IsCompleted);

    /// <summary>That a claimed job is now what the store says of it: whatever is still left of its processes is no job any more.</summary>
    public void LetGo(JobId id)
    {
        if (!_running.TryGetValue(id, out var entry) || !entry.IsValueCreated) return;

        // Written down before it is let go of: whoever lets go of it second takes it out of here.
        _leaving[id] = entry.Value;
        if (!Forget(id, entry)) _leaving.TryRemove(new(id, entry.Value));
    }

    /// <summary>Stores whether a job is pinned.</summary>
    /// <exception cref="JobException">There is no such job, or the caller may not see it.</exception>
    public Job Pin(JobId id, Caller caller, bool pinned)
    {
        var job = Find(id, caller);
        if (Running(id) is { } running) running.Pin(pinned);
        else store.Pin(id, pinned);
        return Find(job.Record.Id, caller);
    }

    /// <summary>Of the jobs the caller may see those that a filter lets through, newest first.</summary>
    /// <exception cref="JobException">The filter is not valid.</exception>
    public (IReadOnlyList<Job> Jobs, JobPlace? Next) List(Caller caller, JobFilter filter, JobPlace? before, int count)
    {
        filter.Check();

        // Those of others are not there, and one that has been removed since still says where to go on.
        if (before is { Id: { } last } && !(store.Find(last) is { } record && Policy.MaySee(caller, record.Owner))) before = before.Value with { Id = null };
        if (!Policy.SeesAll(caller))
        {
            // Those of others are not there: asking for them is no error, and finds nothing.
            if (filter.Owner is { } owner && owner != caller.Name) return ([], null);
            filter = filter with { Owner = caller.Name };
        }
        var page = store.List(filter, before, count);
        return ([.. page.Records.Select(Current)], page.Next);
    }

    /// <summary>Stops a job and returns it ended.</summary>
    /// <param name="id">Which.</param>
    /// <param name="caller">Who asks; is recorded.</param>
    /// <param name="grace">In place of the job's own grace period.</param>
    /// <param name="cancellationToken">Stops this wait; the stop itself goes on.</param>
    /// <param name="signal">The first signal.</param>
    /// <exception cref="JobException">No such job, it had ended before, or its end cannot be stored now, as on a full disk.</exception>
    public async Task<Job> StopAsync(JobId id, Caller caller, TimeSpan? grace, CancellationToken cancellationToken, int signal = Signals.Terminate)
    {
        if (grace is { } given) JobRules.CheckGrace("grace_period", given);
        JobRules.CheckSignal("signal", signal);
        var job = Find(id, caller);
        if (Running(id) is not { } running) throw RunningJob.AlreadyEnded(id);
        await running.StopAsync(caller.Name, signal, grace ?? job.Record.Spec.GracePeriod, cancellationToken, s_endPatience).ConfigureAwait(false);
        return job;
    }

    /// <summary>Sends a job a signal, whatever comes of it.</summary>
    /// <param name="id">Which.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="signal">Its number.</param>
    /// <param name="all">To every process of the job; else to its main process alone.</param>
    /// <param name="cancellationToken">Stops the wait for the end of a job that is ending.</param>
    /// <exception cref="JobException">No such signal or job, or it had ended before.</exception>
    public async Task SignalAsync(JobId id, Caller caller, int signal, bool all, CancellationToken cancellationToken)
    {
        JobRules.CheckSignal("signal", signal);
        Find(id, caller);
        if (Running(id) is not { } running) throw RunningJob.AlreadyEnded(id);
        await running.SignalAsync(signal, all, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A planned stop of the server: takes no new jobs, ends the running ones within their grace periods.</summary>
    /// <param name="mostGrace">Cuts longer grace periods; zero kills at once. May be called again with less.</param>
    public async Task ShutdownAsync(TimeSpan mostGrace)
    {
        _stopping = true;
        await Task.WhenAll(_running.Keys.Select(id => Task.Run(() => StopForShutdownAsync(id, mostGrace)))).ConfigureAwait(false);
    }

    private async Task StopForShutdownAsync(JobId id, TimeSpan mostGrace)
    {
        if (Running(id) is not { } job) return;
        var own = job.Record.Spec.GracePeriod;
        try
        {
            await job.StopAsync(JobEnd.ByServer, Signals.Terminate, own < mostGrace ? own : mostGrace, CancellationToken.None).ConfigureAwait(false);
        }
        catch (JobException)
        {
            // It had ended by itself, and that is stored.
        }
    }

    private RunningJob Launch(JobId id, JobSpec spec, Caller caller)
    {
        // Looked at after the entry was added: a shutdown either sees the entry or is seen here.
        if (_stopping) throw new JobException(JobError.Exhausted, "the server is stopping: no new jobs") { Step = "start" };
        if (_running.Count > mostRunning)
            throw new JobException(JobError.Exhausted, $"{mostRunning} jobs run already, the most this server's open files allow (ulimit -n); try again when one has ended") { Step = "slots" };
        if (store.Find(id) is { } known) throw new AlreadyStoredException(known);
        if (_readers.IsClaimed(id) || _leaving.ContainsKey(id)) throw new JobException(JobError.IdInUse, $"job id {id}: is of a job that is being removed; try again");
        if (disk?.Look() is { IsLow: true } full)
            throw new JobException(JobError.Exhausted, $"the disk of {full.Folder} is nearly full: {full.Words} for the ends of jobs; make room there, as with runner prune --older-than 7d, or start the server with a smaller --disk-reserve") { Step = "disk" };
        var process = launcher.Launch(id, spec);
        var record = new JobRecord(id, spec, caller.Name, process.Pid, process.Applied, time.GetUtcNow(), new JobState.Running()) { Pinned = spec.Pinned };
        try
        {
            store.Insert(record);
        }
        catch (Exception e)
        {
            // Waited for, so that trying again finds nothing in its way.
            AbandonAsync(id, process).Wait(s_abandonPatience);
            if (e is StoreException { IsFull: true }) throw new JobException(JobError.Exhausted, e.Message, e) { Step = "store" };
            throw;
        }
        var job = new RunningJob(record, process, store, time, logger);
        logger.JobStarted(id, record.Owner, record.Pid);
        _ = SuperviseAsync(job);
        return job;
    }

    private async Task SuperviseAsync(RunningJob job)
    {
        try
        {
            await job.SuperviseAsync().ConfigureAwait(false);
            Interlocked.Increment(ref _ends);
            Leave(job);
        }
        catch (Exception e)
        {
            logger.SupervisionFailed(e, job.Record.Id);
        }
    }

    private void Leave(RunningJob job)
    {
        // By then the id may be another job's: this one may have been removed.
        if (_running.TryGetValue(job.Record.Id, out var entry) && entry.IsValueCreated && ReferenceEquals(entry.Value, job)) Forget(job.Record.Id, entry);
        _leaving.TryRemove(new(job.Record.Id, job));
    }

    /// <summary>A job that runs but could not be stored was never started, as far as anybody knows.</summary>
    private async Task AbandonAsync(JobId id, IJobProcess process)
    {
        try
        {
            process.Kill();
            await process.Exited.ConfigureAwait(false);
            await process.SettleAsync().ConfigureAwait(false);
            launcher.Discard(id);
            process.Dispose(); // last: then the id can be started again
        }
        catch (Exception e)
        {
            logger.AbandonFailed(e);
        }
    }

    private bool Forget(JobId id, Lazy<RunningJob> entry) => _running.TryRemove(new(id, entry));

    private static Job SameOrRefused(Job job, JobSpec spec, Caller caller) =>
        job.Record.Owner == caller.Name && job.Record.Spec.Equals(spec)
            ? job
            : throw new JobException(JobError.IdInUse, $"job id {job.Record.Id}: is in use for another job; leave it out to get a new one");

    /// <summary>The job under this id that is being started or runs; waits for its start.</summary>
    private RunningJob? Running(JobId id)
    {
        try
        {
            return _running.TryGetValue(id, out var entry) ? entry.Value : null;
        }
        catch (Exception)
        {
            return null; // its start failed: whoever asked for it is told
        }
    }

    /// <summary>A row that says "running" is as old as the look at it: the job itself knows, or has ended since.</summary>
    private Job Current(JobRecord record) =>
        record.State is JobState.Ended ? Stored(record)
        : Running(record.Id) is { } running ? new Job(running)
        : Stored(store.Find(record.Id) ?? record);

    private Job Stored(JobRecord record)
    {
        var (stdout, stderr, index) = record.State switch
        {
            JobState.Ended { PrunedAt: not null } ended => (OutputLog.Gone(ended.StdoutBytes, GapReason.Pruned), OutputLog.Gone(ended.StderrBytes, GapReason.Pruned), OutputLog.Gone(0, GapReason.Pruned)),
            JobState.Ended ended => (Of(OutputKind.Stdout, ended.StdoutBytes, ended.Stdout), Of(OutputKind.Stderr, ended.StderrBytes, ended.Stderr), launcher.StoredIndex(record.Id)),
            _ => (Left(OutputKind.Stdout), Left(OutputKind.Stderr), launcher.StoredIndex(record.Id)),
        };
        return new Job(record, stdout, stderr, index);

        OutputLog Of(OutputKind kind, long length, KeptOutput? kept) => launcher.StoredOutput(record.Id, kind, length, kept);

        OutputLog Left(OutputKind kind) => launcher.LeftOutput(record.Id, kind, afterPowerCut: false);
    }

    /// <summary>The id was used before this start.</summary>
    private sealed class AlreadyStoredException(JobRecord record) : Exception
    {
        public JobRecord Record { get; } = record;
    }
}
