using Microsoft.Extensions.Logging;

namespace Runner.Jobs;

/// <summary>Everything this room says to the log. Never arguments, environment or output.</summary>
static partial class JobsLog
{
    [LoggerMessage(LogLevel.Information, "Job {Id} of {Owner} started as process {Pid}")]
    public static partial void JobStarted(this ILogger logger, JobId id, string owner, int pid);

    [LoggerMessage(LogLevel.Information, "Job {Id} ended: {End}")]
    public static partial void JobEnded(this ILogger logger, JobId id, JobEnd end);

    [LoggerMessage(LogLevel.Error, "Job {Id} could not be {Step} and will be tried again in {Pause}: {Problem}")]
    public static partial void TriedAgain(this ILogger logger, JobId id, string step, TimeSpan pause, string problem);

    [LoggerMessage(LogLevel.Error, "Job {Id} could not be told to end and will be killed after its grace period: {Problem}")]
    public static partial void NotSignalled(this ILogger logger, JobId id, string problem);

    [LoggerMessage(LogLevel.Critical, "Job {Id} is no longer watched")]
    public static partial void SupervisionFailed(this ILogger logger, Exception exception, JobId id);

    [LoggerMessage(LogLevel.Error, "A job that could not be stored was not cleaned up")]
    public static partial void AbandonFailed(this ILogger logger, Exception exception);
}
