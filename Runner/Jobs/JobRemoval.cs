using Microsoft.Extensions.Logging;
using Runner.Access;

namespace Runner.Jobs;

/// <summary>
/// Removes ended jobs, or what they wrote alone: the record first, which goes or says that the output is gone, and beside it that the
/// files are still to go, until they have gone. So a server that is killed in between leaves what the next one finishes, and never a
/// record that promises bytes which are not there.
/// </summary>
sealed class JobRemoval(JobRegistry jobs, IJobStore store, IJobArchive archive, IJobLauncher launcher, TimeProvider time, ILogger<JobRemoval> logger)
{
    // In one transaction; whoever starts a job meanwhile waits for that long.
    private const int AtOnce = 32;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Removes one job or its output, pinned or not.</summary>
    /// <returns>Bytes that went; 0 where the output had gone before.</returns>
    /// <exception cref="JobException">There is no such job, it runs, or it is being read.</exception>
    public long Remove(JobId id, Caller caller, RemovalScope scope = RemovalScope.Job)
    {
        var job = jobs.Find(id, caller);
        if (job.Record.State is not JobState.Ended || !job.Ended.IsCompleted)
            throw new JobException(JobError.StillRunning, $"job {id}: still runs; stop it first");
        if (scope is RemovalScope.Output && BytesOf(job.Record) == 0) return 0;
        var removed = Remove([job.Record], pinnedToo: true, scope);
        if (removed.Jobs == 1) return removed.Bytes;
        if (scope is RemovalScope.Output)
        {
            // Somebody else may have been faster; what comes of that is waited for.
            var (now, reading) = jobs.Open(id, caller);
            using (reading)
                if (BytesOf(now.Record) == 0) return 0;
        }
        throw removed.Skipped == 1
            ? new JobException(JobError.StillRunning, $"job {id}: its output is being read; try again when that has ended")
            : new JobException(JobError.NoSuchJob, $"no job {id}");
    }

    /// <summary>Removes the ended jobs a caller may see that a filter lets through, but for pinned ones, or their output.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="filter">Which.</param>
    /// <param name="olderThan">How long ago they must have ended.</param>
    /// <param name="dryRun">Only counts.</param>
    /// <param name="cancellationToken">Stops it between a few jobs and the next.</param>
    /// <param name="scope">What of them.</param>
    /// <exception cref="JobException">The filter is not valid, or lets none through that could be removed.</exception>
    public async Task<Removed> PruneAsync(
        Caller caller, JobFilter filter, TimeSpan olderThan, bool dryRun, CancellationToken cancellationToken, RemovalScope scope = RemovalScope.Job)
    {
        if (olderThan < TimeSpan.Zero || olderThan > JobRules.MostTimeout)
            throw JobRules.Bad("older_than", $"older than {olderThan}: must be 0 to {JobRules.MostTimeout.Days} days");
        if (filter.Running is true) throw JobRules.Bad("filter.state", "state running: must be ended, as only ended jobs can be removed");
        if (filter.Pinned is true) throw JobRules.Bad("filter.pinned", "pinned: must be false, as pinned jobs stay");
        filter.Check();
        if (!Policy.SeesAll(caller))
        {
            if (filter.Owner is { } owner && owner != caller.Name) return Removed.Nothing;
            filter = filter with { Owner = caller.Name };
        }
        filter = filter with { Running = false, Pinned = false, EndedBefore = time.GetUtcNow() - olderThan, HasOutput = scope is RemovalScope.Output };
        return await PruneAsync(filter, _ => true, dryRun, cancellationToken, scope).ConfigureAwait(false);
    }

    /// <summary>The same for nobody in particular, and for those that a condition is true of besides.</summary>
    public async Task<Removed> PruneAsync(
        JobFilter filter, Func<JobRecord, bool> condition, bool dryRun, CancellationToken cancellationToken, RemovalScope scope = RemovalScope.Job)
    {
        var (removed, place) = (Removed.Nothing, (JobPlace?)null);
        do
        {
            var page = store.List(filter, place, AtOnce);
            var records = page.Records.Where(condition).ToList();
            removed += dryRun ? Count(records) : Remove(records, scope: scope);
            place = page.Next;
            await Task.Delay(s_pause, time, cancellationToken).ConfigureAwait(false);
        }
        while (place is not null);
        return removed;
    }

    private Removed Count(List<JobRecord> records)
    {
        var free = records.Where(record => jobs.IsFree(record.Id)).ToList();
        return new(free.Count, free.Sum(BytesOf), records.Count - free.Count);
    }

    /// <summary>Removes jobs that have ended and are not being read, or their output.</summary>
    /// <param name="records">Which.</param>
    /// <param name="pinnedToo">Else one that has been pinned since it was looked up stays.</param>
    /// <param name="scope">What of them.</param>
    public Removed Remove(IReadOnlyList<JobRecord> records, bool pinnedToo = false, RemovalScope scope = RemovalScope.Job)
    {
        var claims = new Dictionary<JobId, Readers.Claim>();
        try
        {
            foreach (var record in records)
                if (jobs.Claim(record.Id) is { } claim) claims.Add(record.Id, claim);
            HashSet<JobId> removed = claims.Count == 0 ? []
                : [.. scope is RemovalScope.Output ? archive.RemoveOutput([.. claims.Keys], time.GetUtcNow(), pinnedToo) : archive.Remove([.. claims.Keys], pinnedToo)];
            foreach (var id in removed) jobs.LetGo(id);
            foreach (var claim in claims.Values) claim.Decide();
            Discard(removed);
            return new(removed.Count, records.Where(record => removed.Contains(record.Id)).Sum(BytesOf), records.Count - claims.Count);
        }
        finally
        {
            foreach (var claim in claims.Values) claim.Dispose();
        }
    }

    /// <summary>Finishes what a server was killed in, and what could not be done then. What is kept of jobs that nobody removed stays, records or none.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        foreach (var id in archive.Leftovers())
        {
            using (var claim = jobs.Claim(id))
            {
                // Being removed at this moment, read, or a new job's that runs: looked at again the next time.
                if (claim is null) continue;
                var record = store.Find(id);
                claim.Decide();

                // The id may be another job's by now, whose output is kept.
                if (record is null or { State: JobState.Ended { PrunedAt: not null } }) Discard([id]);
                else archive.Forget([id]);
            }
            await Task.Delay(s_pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private void Discard(IReadOnlyCollection<JobId> ids)
    {
        var gone = new List<JobId>();
        foreach (var id in ids)
        {
            try
            {
                launcher.Discard(id);
                gone.Add(id);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                logger.OutputStays(id, e.Message);
            }
        }
        if (gone.Count > 0) archive.Forget(gone);
    }

    private static long BytesOf(JobRecord record) => record.State is JobState.Ended ended ? ended.StoredBytes : 0;
}

/// <summary>What of a job is removed.</summary>
enum RemovalScope
{
    /// <summary>All there is of it.</summary>
    Job,

    /// <summary>What it wrote; its record stays, and says so.</summary>
    Output,
}

/// <summary>What was removed.</summary>
/// <param name="Jobs">How many jobs, or the output of how many.</param>
/// <param name="Bytes">Of their output and index.</param>
/// <param name="Skipped">Jobs that stay, because they are being read.</param>
readonly record struct Removed(long Jobs, long Bytes, long Skipped)
{
    public static readonly Removed Nothing;

    public static Removed operator +(Removed one, Removed other) => new(one.Jobs + other.Jobs, one.Bytes + other.Bytes, one.Skipped + other.Skipped);
}
