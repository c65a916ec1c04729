namespace Runner.Jobs;

/// <summary>How much of what has ended a server keeps. Pinned jobs are kept in any case.</summary>
/// <param name="KeepFor">How long after its end a job is kept that no rule for a label is about; null: for ever.</param>
/// <param name="ForLabels">For jobs with a label: how long in place of that, of several the longest; how many and how much besides.</param>
/// <param name="KeepJobs">Most ended jobs that are not pinned; the oldest ends go first.</param>
/// <param name="KeepOutput">Most bytes of output of all jobs, those that run included; that of the oldest ends goes first, and their records stay.</param>
sealed record RetentionRules(TimeSpan? KeepFor, IReadOnlyList<LabelRetention> ForLabels, long KeepJobs, long KeepOutput)
{
    public const int UsualJobs = 100_000;

    /// <summary>Whether a job has been kept long enough.</summary>
    public bool IsOver(JobRecord record, DateTimeOffset now)
    {
        if (record.State is not JobState.Ended ended) return false;
        var times = ForLabels.Where(rule => rule.KeepFor is not null && rule.Label.Matches(record.Spec.Labels)).ToList();
        var keepFor = times.Count > 0 ? times.Max(rule => rule.KeepFor) : KeepFor;
        return keepFor is { } time && now - ended.EndedAt > time;
    }
}

/// <summary>How much is kept of the jobs with a label, in the words of <see cref="RetentionRules"/>; null: nothing is said of that.</summary>
sealed record LabelRetention(LabelFilter Label, TimeSpan? KeepFor = null, long? KeepJobs = null, long? KeepOutput = null);

/// <summary>What a server is asked to keep; what is not said is settled when the disk is known.</summary>
sealed record RetentionWish(TimeSpan? KeepFor, IReadOnlyList<LabelRetention> ForLabels, long? KeepJobs, long? KeepOutput)
{
    public static readonly RetentionWish None = new(null, [], null, null);

    /// <param name="diskBytes">Of the file system that output is kept on; 0: it does not tell.</param>
    public RetentionRules On(long diskBytes) =>
        new(KeepFor, ForLabels, KeepJobs ?? RetentionRules.UsualJobs, KeepOutput ?? (diskBytes > 0 ? diskBytes / 2 : long.MaxValue));
}
