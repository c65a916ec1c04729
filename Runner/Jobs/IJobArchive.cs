namespace Runner.Jobs;

/// <summary>The store as those see it who look after what has ended.</summary>
interface IJobArchive
{
    /// <summary>Jobs that have ended, newest end first; read off one index, however many there are.</summary>
    /// <param name="before">The last one of those before; null: from the newest.</param>
    /// <param name="count">Most that are wanted.</param>
    IReadOnlyList<StoredEnd> Ends(StoredEnd? before, int count);

    /// <summary>The numbers of all jobs with a label, those that run included.</summary>
    IReadOnlySet<long> Labelled(LabelFilter label);

    /// <summary>Null: it is not there any more.</summary>
    JobRecord? Find(long seq);

    /// <summary>Removes records of jobs that have ended, at once, and remembers that their output is still to go.</summary>
    /// <param name="ids">Which.</param>
    /// <param name="pinnedToo">Else those that are pinned at that moment stay.</param>
    /// <returns>Those that were there and had ended.</returns>
    IReadOnlyList<JobId> Remove(IReadOnlyList<JobId> ids, bool pinnedToo = false);

    /// <summary>Stores of jobs that have ended that their output is gone, at once, and remembers that it is still to go.</summary>
    /// <param name="ids">Which.</param>
    /// <param name="at">When.</param>
    /// <param name="pinnedToo">Else those that are pinned at that moment keep it.</param>
    /// <returns>Those that had ended and had output.</returns>
    IReadOnlyList<JobId> RemoveOutput(IReadOnlyList<JobId> ids, DateTimeOffset at, bool pinnedToo = false);

    /// <summary>Jobs whose digests are due.</summary>
    IReadOnlyList<JobRecord> WithoutDigests();

    /// <summary>Stores the digests of a job of which they were due. False: it is not there any more.</summary>
    bool RecordDigests(JobRecord record);

    /// <summary>Jobs whose output is to go, and may not have gone.</summary>
    IReadOnlyList<JobId> Leftovers();

    /// <summary>Tells that no output is left of these.</summary>
    void Forget(IReadOnlyList<JobId> ids);
}

/// <summary>What retention goes by.</summary>
/// <param name="Seq">The store's own number of the job.</param>
/// <param name="Bytes">Of its output and index that are kept.</param>
readonly record struct StoredEnd(long Seq, DateTimeOffset EndedAt, bool Pinned, long Bytes);
