using Runner.Jobs;
using Runner.Output;

namespace Runner.Tests.Support;

/// <summary>How a played process takes a signal other than SIGKILL.</summary>
public enum Manner
{
    Dies,
    Obeys,
    Ignores,
}

/// <summary>A process at the launcher port that a test plays: it takes signals in one manner and goes when it is told to.</summary>
sealed class PlayedProcess(Manner manner) : IJobProcess
{
    public const int CodeWhenObeying = 7;

    private readonly TaskCompletionSource<ProcessExit> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _outputLimit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _reported = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _signals;
    private int _kills;

    /// <summary>How often it was given a signal as a whole, and killed.</summary>
    public (int Signals, int Kills) Given => (Volatile.Read(ref _signals), Volatile.Read(ref _kills));

    public bool HasExited => _exited.Task.IsCompleted;
    public bool IsGivenBack { get; private set; }
    public DateTimeOffset? ExitedAt => null;
    public int Pid => 1;
    public TimeSpan? Age { get; init; } = TimeSpan.Zero;
    public ResourceLimits Applied => ResourceLimits.None;
    public OutputLog Stdout { get; init; } = new(() => throw new NotSupportedException());
    public OutputLog Stderr { get; } = new(() => throw new NotSupportedException());
    public OutputLog Index { get; } = new(() => throw new NotSupportedException());
    public Task<ProcessExit> Exited => IsReportedLate ? ReportedAsync() : _exited.Task;

    /// <summary>Nobody is told how it went before <see cref="Report"/>.</summary>
    public bool IsReportedLate { get; init; }

    public Task OutputLimitPassed => _outputLimit.Task;
    public bool HeldOpen => false;
    public bool DiskFailed => false;
    public int? LeftoverProcesses => 0;
    public string? HeldBack { get; set; }

    public void Report() => _reported.SetResult();

    public bool Exit(ProcessExit exit) => _exited.TrySetResult(exit);

    /// <summary>It writes more than it may.</summary>
    public void WriteTooMuch() => _outputLimit.TrySetResult();

    public void Signal(int signal, bool wake)
    {
        Interlocked.Increment(ref _signals);
        Take(signal);
    }

    public bool SignalMain(int signal)
    {
        if (HasExited) return false;
        if (signal > 0) Take(signal);
        return true;
    }

    public void Kill()
    {
        Interlocked.Increment(ref _kills);
        Exit(new ProcessExit.Signaled(Signals.Kill, false));
    }

    public Task SettleAsync() => Task.CompletedTask;

    public Task SyncAsync() => Synced;

    /// <summary>When its output is on the disk.</summary>
    public Task Synced { get; init; } = Task.CompletedTask;

    public ResourceUsage ReadUsage(bool settled) => ResourceUsage.None;

    public OomReach OomReach(ProcessExit exit, ResourceUsage usage) => Runner.Jobs.OomReach.None;

    public void Dispose() => IsGivenBack = true;

    private async Task<ProcessExit> ReportedAsync()
    {
        await _reported.Task;
        return await _exited.Task;
    }

    private void Take(int signal)
    {
        if (ExitBy(manner, signal) is { } exit) Exit(exit);
    }

    /// <summary>Null: it lives on.</summary>
    public static ProcessExit? ExitBy(Manner manner, int signal) => (manner, signal) switch
    {
        (_, Signals.Kill) or (Manner.Dies, _) => new ProcessExit.Signaled(signal, false),
        (Manner.Obeys, _) => new ProcessExit.Exited(CodeWhenObeying),
        _ => null,
    };
}

/// <summary>A store that counts the ends it is given.</summary>
sealed class CountingStore : IJobStore
{
    private readonly List<JobRecord> _ends = [];

    public IReadOnlyList<JobRecord> Ends
    {
        get
        {
            lock (_ends) return [.. _ends];
        }
    }

    public void RecordEnd(JobRecord record)
    {
        lock (_ends) _ends.Add(record);
    }

    public void Insert(JobRecord record) => throw new NotSupportedException();

    public JobRecord? Find(JobId id) => throw new NotSupportedException();

    public JobPage List(JobFilter filter, JobPlace? before, int count) => throw new NotSupportedException();

    public void RecordEnding(JobId id, EndingPlan plan) { }

    public void Pin(JobId id, bool pinned) => throw new NotSupportedException();

    public IReadOnlyList<(JobRecord, EndingPlan?)> Unended() => throw new NotSupportedException();
}
