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
        (Stdout, Stderr, Index) = (running.Stdout, running.Stderr, running.Index);
    }

    public Job(JobRecord record, OutputLog stdout, OutputLog stderr, OutputLog index) => (_record, Stdout, Stderr, Index) = (record, stdout, stderr, index);

    public JobRecord Record => _running?.Record ?? _record;
    public OutputLog Stdout { get; }
    public OutputLog Stderr { get; }

    /// <summary>When each piece of both was captured.</summary>
    public OutputLog Index { get; }

    /// <summary>Done once the job has ended and that is stored.</summary>
    public Task Ended => _running?.Ended ?? Task.CompletedTask;

    /// <summary>Why its output or its end cannot be kept now, so that it waits; null: it can.</summary>
    public string? HeldBack => _running?.HeldBack;

    /// <summary>All that it wrote, and when.</summary>
    public JobOutput Output => new(Stdout, Stderr, Index, () => Record.State is JobState.Ended ended ? ended.EndedAt.UtcTicks : Record.StartedAt.UtcTicks);

    /// <summary>Up to now while it runs, final once it has ended.</summary>
    public ResourceUsage Usage() => Record.State is JobState.Ended ended ? ended.Usage : _running?.ReadUsage() ?? ResourceUsage.None;
}
