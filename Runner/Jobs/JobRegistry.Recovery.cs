using Runner.Output;

namespace Runner.Jobs;

/// <summary>What becomes of the jobs that a former server left without an end.</summary>
sealed partial class JobRegistry
{
    /// <summary>Called once before anything else: goes on with the jobs of a former server; those that cannot be gone on with are
    /// killed and recorded as lost.</summary>
    /// <param name="lost">Why they are.</param>
    /// <param name="exits">What is known of them nevertheless: those are recorded as what they are.</param>
    public void Recover(JobEnd.Lost lost, IReadOnlyDictionary<JobId, LeftExit>? exits = null)
    {
        var unended = store.Unended().ToDictionary(left => left.Record.Id);
        var adopted = new HashSet<JobId>(launcher.Kept.Where(unended.ContainsKey).Where(id => TryAdopt(unended[id].Record, unended[id].Ending ?? PlanOf(exits, id))));
        var gone = unended.Keys.Where(id => !adopted.Contains(id) && exits?.ContainsKey(id) is true).ToDictionary(id => id, id => (exits![id].Exit, exits[id].At, Usage: launcher.LeftUsage(id)));
        var left = launcher.CleanLeftovers(adopted);
        var known = launcher.Kept.Union(left).ToDictionary(id => id, id => unended.TryGetValue(id, out var found) ? found.Record : store.Find(id));
        foreach (var id in left)
        {
            if (known[id]?.State is JobState.Ended) logger.CgroupRemoved(id);
            else logger.LeftoverRemoved(id);
        }

        // Started, but never answered for.
        foreach (var id in known.Keys.Where(id => known[id] is null)) launcher.Discard(id);
        var ends = unended.Values.Where(left => !adopted.Contains(left.Record.Id)).ToList();
        var diskFailed = Task.WhenAll(ends.Select(left => SyncLeftAsync(left.Record.Id))).GetAwaiter().GetResult();
        var afterPowerCut = lost.Why is LostReason.HostReboot or LostReason.Unknown;
        foreach (var ((record, ending), failed) in ends.Zip(diskFailed))
        {
            var (end, endedAt, usage) = gone.TryGetValue(record.Id, out var exit)
                ? (JobEnd.Decide(exit.Exit, ending?.Cause ?? exits![record.Id].Cause, exit.Usage.OomKills > 0 ? OomReach.SomeProcess : OomReach.None), exit.At < record.StartedAt ? record.StartedAt : exit.At, exit.Usage)
                : (lost, time.GetUtcNow(), ResourceUsage.None);
            var stdout = launcher.LeftOutput(record.Id, OutputKind.Stdout, afterPowerCut);
            var stderr = launcher.LeftOutput(record.Id, OutputKind.Stderr, afterPowerCut);
            var state = new JobState.Ended(endedAt, end, usage, stdout.Length, stderr.Length, Stdout: stdout.Kept, Stderr: stderr.Kept, DiskFailed: failed)
            {
                StoredBytes = stdout.StoredBytes + stderr.StoredBytes + launcher.StoredIndex(record.Id).Length,
                IsDigestDue = stdout.Length > 0 || stderr.Length > 0,
            };
            store.RecordEnd(record with { State = state });
            logger.JobEnded(record.Id, end);
        }
        launcher.LetGo(adopted);
    }

    /// <summary>What the keeper itself set about while no server was there; null: nothing that it has told.</summary>
    private EndingPlan? PlanOf(IReadOnlyDictionary<JobId, LeftExit>? exits, JobId id) =>
        exits?.GetValueOrDefault(id)?.Cause is { } cause ? new(cause, time.GetUtcNow(), Signals.Kill) : null;

    /// <summary>Before its end is on record, as of every job. A disk that does not take it keeps no server from starting.</summary>
    /// <returns>Whether bytes may be lost for that.</returns>
    private async Task<bool> SyncLeftAsync(JobId id)
    {
        try
        {
            return await launcher.SyncAsync(id).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            logger.NotSynced(id, e.Message);
            return true;
        }
    }

    private bool TryAdopt(JobRecord record, EndingPlan? ending)
    {
        IJobProcess process;
        try
        {
            process = launcher.Adopt(record.Id, record.Applied);
        }
        catch (JobException e)
        {
            logger.NotAdopted(record.Id, e.Message);
            return false;
        }
        var job = new RunningJob(record, process, store, time, logger, ending);
        _running[record.Id] = new(job);
        logger.JobAdopted(record.Id);
        _ = SuperviseAsync(job);
        return true;
    }
}
