using Microsoft.Extensions.Logging;
using Runner.Jobs;

namespace Runner.Linux.Processes;

/// <summary>Everything this room says to the log.</summary>
static partial class ProcessesLog
{
    [LoggerMessage(LogLevel.Error, "Job {Id} is held back, its output cannot be written: {Problem}")]
    public static partial void OutputHeldBack(this ILogger logger, JobId id, string problem);

    [LoggerMessage(LogLevel.Warning, "The cgroups of this server stay: {Problem}")]
    public static partial void CgroupsStay(this ILogger logger, string problem);

    [LoggerMessage(LogLevel.Information, "The output of job {Id} is written again")]
    public static partial void OutputGoesOn(this ILogger logger, JobId id);

    [LoggerMessage(LogLevel.Error, "A part of the refused start of job {Id} was not undone")]
    public static partial void NotUndone(this ILogger logger, Exception exception, JobId id);

    [LoggerMessage(LogLevel.Critical, "A step of the event loop failed")]
    public static partial void LoopFailed(this ILogger logger, Exception exception);
}
