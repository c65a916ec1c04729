namespace Runner.Jobs;

/// <summary>Where records are kept: what a method has returned from survives the process.</summary>
interface IJobStore
{
    /// <summary>Stores a job that has started.</summary>
    void Insert(JobRecord record);

    /// <summary>Stores the end of a job that is there.</summary>
    void RecordEnd(JobRecord record);

    JobRecord? Find(JobId id);

    /// <summary>Jobs newest first; fewer than wanted where those would be too much for one answer.</summary>
    /// <param name="filter">Which.</param>
    /// <param name="before">The last job of the page before; null: from the newest.</param>
    /// <param name="count">Most jobs wanted.</param>
    JobPage List(JobFilter filter, JobPlace? before, int count);

    /// <summary>Stores that a job has been told to end, in place of what was stored of that before.</summary>
    void RecordEnding(JobId id, EndingPlan plan);

    /// <summary>Stores whether a job is pinned.</summary>
    void Pin(JobId id, bool pinned);

    /// <summary>Jobs without an end: at start-up, those a former server left, and which of them it had told to end.</summary>
    IReadOnlyList<(JobRecord Record, EndingPlan? Ending)> Unended();
}

/// <summary>A piece of the list of jobs.</summary>
/// <param name="Records">Newest first.</param>
/// <param name="Next">The last of them if there are more; null: there are none.</param>
sealed record JobPage(IReadOnlyList<JobRecord> Records, JobPlace? Next);

/// <summary>Where a job stands in the list.</summary>
/// <param name="Id">Null: of a job that is not there any more; the place is just before it started.</param>
readonly record struct JobPlace(JobId? Id, DateTimeOffset StartedAt);
