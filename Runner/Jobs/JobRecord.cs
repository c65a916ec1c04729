using Runner.Output;

namespace Runner.Jobs;

/// <summary>Where a job is in its life. Each case holds only what is true then.</summary>
abstract record JobState
{
    private JobState() { }

    public sealed record Running : JobState;

    /// <param name="EndedAt">When the main process was seen to have gone.</param>
    /// <param name="End">Whose doing it was.</param>
    /// <param name="Usage">What it used in all.</param>
    /// <param name="StdoutBytes">Size of its whole standard output.</param>
    /// <param name="StderrBytes">Size of its whole standard error.</param>
    /// <param name="LeftoverProcesses">
    /// Processes that were there when the main one had gone, and were killed then. Null: not counted, as when the whole job was being killed anyway.
    /// </param>
    /// <param name="Stdout">What of its standard output was kept at its end. Null: all of it, and there is no digest.</param>
    /// <param name="Stderr">The same of its standard error.</param>
    /// <param name="HeldOpen">Whether somebody outside the job held a stream open when no process of it was left: what they wrote later was not captured.</param>
    /// <param name="DiskFailed">
    /// Whether the disk did not take some of its output for a time: what was in memory still was written again, and what was not is lost, which nobody can see.
    /// </param>
    public sealed record Ended(
        DateTimeOffset EndedAt, JobEnd End, ResourceUsage Usage, long StdoutBytes, long StderrBytes, int? LeftoverProcesses = null,
        KeptOutput? Stdout = null, KeptOutput? Stderr = null, bool HeldOpen = false, bool DiskFailed = false) : JobState
    {
        /// <summary>Bytes of its output and index that are kept.</summary>
        public long StoredBytes { get; init; }

        /// <summary>When its output was removed, all of it; sizes and digests stay what they were. Null: it was not.</summary>
        public DateTimeOffset? PrunedAt { get; init; }

        /// <summary>Its digests are still to be made, as of an end that a server recorded when it started.</summary>
        public bool IsDigestDue { get; init; }
    }
}

/// <summary>What is stored of a job: written when it has started, and once more when it has ended.</summary>
/// <param name="Id">Its name for ever.</param>
/// <param name="Spec">What was asked for.</param>
/// <param name="Owner">The name in the certificate of whoever started it.</param>
/// <param name="Pid">Its main process, on this machine.</param>
/// <param name="Applied">The limits as read back from the kernel.</param>
/// <param name="StartedAt">When its program had been exec'd.</param>
/// <param name="State">Running, or ended and how.</param>
sealed record JobRecord(
    JobId Id, JobSpec Spec, string Owner, int Pid, ResourceLimits Applied, DateTimeOffset StartedAt, JobState State)
{
    /// <summary>It is kept, with its output, until somebody removes either by its id.</summary>
    public bool Pinned { get; init; }
}
