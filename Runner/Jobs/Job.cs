using Runner.Output;

namespace Runner.Jobs;

/// <summary>One job as callers see it: its record, its output, its usage; running here or long ended.</summary>
sealed class Job
{
    private readonly RunningJob? _running;
    private readonly JobRecord _record;

    public Job(RunningJob running)
    {
        (_running, _record) = (running, running.Record);
        (Stdout, Stderr) = (running.Stdout, running.Stderr);
    }

    public Job(JobRecord record, OutputLog stdout, OutputLog stderr) => (_record, Stdout, Stderr) = (record, stdout, stderr);

    public JobRecord Record => _running?.Record ?? _record;
    public OutputLog Stdout { get; }
    public OutputLog Stderr { get; }

    /// <summary>Done once the job has ended and that is stored.</summary>
    public Task Ended => _running?.Ended ?? Task.CompletedTask;

    public OutputLog Output(OutputKind kind) => kind is OutputKind.Stdout ? Stdout : Stderr;

    /// <summary>Up to now while it runs, final once it has ended.</summary>
    public ResourceUsage Usage() => Record.State is JobState.Ended ended ? ended.Usage : _running?.ReadUsage() ?? ResourceUsage.None;
}
