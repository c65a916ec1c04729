using Microsoft.Extensions.Logging;

namespace Runner.Jobs;

/// <summary>Everything this room says to the log. Never arguments, environment or output.</summary>
static partial class JobsLog
{
    [LoggerMessage(LogLevel.Information, "Job {Id} of {Owner} started as process {Pid}")]
    public static partial void JobStarted(this ILogger logger, JobId id, string owner, int pid);

    [LoggerMessage(LogLevel.Information, "Job {Id} of a former server is gone on with")]
    public static partial void JobAdopted(this ILogger logger, JobId id);

    [LoggerMessage(LogLevel.Error, "Job {Id} of a former server cannot be gone on with: {Problem}")]
    public static partial void NotAdopted(this ILogger logger, JobId id, string problem);

    [LoggerMessage(LogLevel.Warning, "The processes that a former server left in {Id} were killed")]
    public static partial void LeftoverRemoved(this ILogger logger, JobId id);

    [LoggerMessage(LogLevel.Information, "The cgroup of job {Id}, whose end a former server had stored, was removed")]
    public static partial void CgroupRemoved(this ILogger logger, JobId id);

    [LoggerMessage(LogLevel.Information, "Job {Id} ended: {End}")]
    public static partial void JobEnded(this ILogger logger, JobId id, JobEnd end);

    [LoggerMessage(LogLevel.Error, "Job {Id} could not be {Step} and will be tried again in {Pause}: {Problem}")]
    public static partial void TriedAgain(this ILogger logger, JobId id, string step, TimeSpan pause, string problem);

    [LoggerMessage(LogLevel.Error, "Job {Id} could not be told to end and will be killed after its grace period: {Problem}")]
    public static partial void NotSignalled(this ILogger logger, JobId id, string problem);

    [LoggerMessage(LogLevel.Error, "Job {Id} is being ended, which could not be stored: {Problem}")]
    public static partial void EndingNotStored(this ILogger logger, JobId id, string problem);

    [LoggerMessage(LogLevel.Error, "Job {Id} has output that cannot be read, so its digest is not recorded: {Problem}")]
    public static partial void NoDigest(this ILogger logger, JobId id, string problem);

    [LoggerMessage(LogLevel.Error, "Job {Id}, which a former server left, has output that a power cut may take: it could not be brought to the disk: {Problem}")]
    public static partial void NotSynced(this ILogger logger, JobId id, string problem);

    [LoggerMessage(LogLevel.Information, "The digests of {Jobs} jobs that former servers left are recorded")]
    public static partial void DigestsMade(this ILogger logger, int jobs);

    [LoggerMessage(LogLevel.Error, "Digests of jobs that former servers left are not recorded, which the next server tries again: {Problem}")]
    public static partial void DigestsFailed(this ILogger logger, string problem);

    [LoggerMessage(LogLevel.Critical, "Job {Id} is no longer watched")]
    public static partial void SupervisionFailed(this ILogger logger, Exception exception, JobId id);

    [LoggerMessage(LogLevel.Information, "{Jobs} jobs were removed that are not to be kept any longer, with {Bytes} bytes of output")]
    public static partial void RetentionRemoved(this ILogger logger, long jobs, long bytes);

    [LoggerMessage(LogLevel.Information, "The output of {Jobs} jobs was removed to make room, {Bytes} bytes")]
    public static partial void RetentionPruned(this ILogger logger, long jobs, long bytes);

    [LoggerMessage(LogLevel.Error, "What is not to be kept any longer could not be removed: {Problem}")]
    public static partial void RetentionFailed(this ILogger logger, string problem);

    [LoggerMessage(LogLevel.Error, "The removed output of job {Id} is on the disk still, and its removal will be tried again: {Problem}")]
    public static partial void OutputStays(this ILogger logger, JobId id, string problem);

    [LoggerMessage(LogLevel.Error, "A job that could not be stored was not cleaned up")]
    public static partial void AbandonFailed(this ILogger logger, Exception exception);
}
