using Microsoft.Extensions.Logging;
using Runner.Access;

namespace Runner.Jobs;

/// <summary>
/// Removes ended jobs: the record first, in whose place stands that the output is still to go, until it has gone. So a server
/// that is killed in between leaves what the next one finishes, and never a record without its bytes.
/// </summary>
sealed class JobRemoval(JobRegistry jobs, IJobStore store, IJobArchive archive, IJobLauncher launcher, TimeProvider time, ILogger<JobRemoval> logger)
{
    // In one transaction; whoever starts a job meanwhile waits for that long.
    private const int AtOnce = 32;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Removes one job, pinned or not.</summary>
    /// <returns>Bytes that went.</returns>
    /// <exception cref="JobException">There is no such job, it runs, or it is being read.</exception>
    public long Remove(JobId id, Caller caller)
    {
        var job = jobs.Find(id, caller);
        if (job.Record.State is not JobState.Ended || !job.Ended.IsCompleted)
            throw new JobException(JobError.StillRunning, $"job {id}: still runs; stop it first");
        var removed = Remove([job.Record], pinnedToo: true);
        return removed.Jobs == 1 ? removed.Bytes
            : removed.Skipped == 1 ? throw new JobException(JobError.StillRunning, $"job {id}: its output is being read; try again when that has ended")
            : throw new JobException(JobError.NoSuchJob, $"no job {id}");
    }

    /// <summary>Removes the ended jobs a caller may see that a filter lets through, but for pinned ones.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="filter">Which.</param>
    /// <param name="olderThan">How long ago they must have ended.</param>
    /// <param name="dryRun">Only counts.</param>
    /// <param name="cancellationToken">Stops it between a few jobs and the next.</param>
    /// <exception cref="JobException">The filter is not valid, or lets none through that could be removed.</exception>
    public async Task<Removed> PruneAsync(Caller caller, JobFilter filter, TimeSpan olderThan, bool dryRun, CancellationToken cancellationToken)
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
        filter = filter with { Running = false, Pinned = false, EndedBefore = time.GetUtcNow() - olderThan };
        return await PruneAsync(filter, _ => true, dryRun, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same for nobody in particular, and for those that a condition is true of besides.</summary>
    public async Task<Removed> PruneAsync(JobFilter filter, Func<JobRecord, bool> condition, bool dryRun, CancellationToken cancellationToken)
    {
        var (removed, place) = (Removed.Nothing, (JobPlace?)null);
        do
        {
            var page = store.List(filter, place, AtOnce);
            var records = page.Records.Where(condition).ToList();
            removed += dryRun ? new(records.Count, records.Sum(BytesOf), 0) : Remove(records);
            place = page.Next;
            await Task.Delay(s_pause, time, cancellationToken).ConfigureAwait(false);
        }
        while (place is not null);
        return removed;
    }

    /// <summary>Removes jobs that have ended and are not being read.</summary>
    /// <param name="records">Which.</param>
    /// <param name="pinnedToo">Else one that has been pinned since it was looked up stays.</param>
    public Removed Remove(IReadOnlyList<JobRecord> records, bool pinnedToo = false)
    {
        var claims = new Dictionary<JobId, IDisposable>();
        try
        {
            foreach (var record in records)
                if (jobs.Claim(record.Id) is { } claim) claims.Add(record.Id, claim);
            var removed = claims.Count > 0 ? archive.Remove([.. claims.Keys], pinnedToo).ToHashSet() : [];
            foreach (var id in removed) jobs.Removed(id);
            Discard(removed);
            return new(removed.Count, records.Where(record => removed.Contains(record.Id)).Sum(BytesOf), records.Count - claims.Count);
        }
        finally
        {
            foreach (var claim in claims.Values) claim.Dispose();
        }
    }

    /// <summary>Finishes the removals that a server was killed in. What is kept of jobs that nobody removed stays, records or none.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        foreach (var id in archive.Leftovers())
        {
            using (var claim = jobs.Claim(id))
            {
                // The id may be another job's by now.
                if (claim is not null && store.Find(id) is null) Discard([id]);
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

/// <summary>What was removed.</summary>
/// <param name="Jobs">How many jobs.</param>
/// <param name="Bytes">Of their output and index.</param>
/// <param name="Skipped">Jobs that stay, because they are being read.</param>
readonly record struct Removed(long Jobs, long Bytes, long Skipped)
{
    public static readonly Removed Nothing;

    public static Removed operator +(Removed one, Removed other) => new(one.Jobs + other.Jobs, one.Bytes + other.Bytes, one.Skipped + other.Skipped);
}
