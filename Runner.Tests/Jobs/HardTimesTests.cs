using Microsoft.Extensions.Logging.Abstractions;
using Runner.Jobs;
using Runner.Output;
using Runner.Tests.Support;

namespace Runner.Tests.Jobs;

/// <summary>A machine that refuses things for a while: the one place where the launcher is not the real one.</summary>
public sealed class HardTimesTests
{
    [Fact]
    public async Task A_job_whose_machine_refuses_things_at_its_end_is_still_ended_and_cleaned_up()
    {
        var process = new StubbornProcess(refusals: 2);
        var store = new StubbornStore(refusals: 2);
        var record = new JobRecord(JobId.New(), new JobSpec { Command = "x" }, "anna", 1, ResourceLimits.None, DateTimeOffset.UtcNow, new JobState.Running());
        var job = new RunningJob(record, process, store, TimeProvider.System, NullLogger.Instance);
        await job.SuperviseAsync().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(new JobEnd.Exited(3), Assert.IsType<JobState.Ended>(job.Record.State).End);
        Assert.Equal(job.Record, store.Stored);
        Assert.True(job.Ended.IsCompletedSuccessfully);
        Assert.True(process.IsGivenBack);
    }

    [Fact]
    public void More_jobs_than_the_server_can_look_after_are_refused()
    {
        using var machine = new Machine(mostRunning: 2);
        machine.Start("/bin/sleep", "1000");
        machine.Start("/bin/sleep", "1000");
        var e = Assert.Throws<JobException>(() => machine.Start("/bin/sleep", "1000"));
        Assert.Equal((JobError.Exhausted, "slots"), (e.Error, e.Step));
        Assert.Equal(2, machine.Cgroups().Count);
    }

    /// <summary>Refuses each step some times.</summary>
    private sealed class StubbornProcess(int refusals) : IJobProcess
    {
        private readonly Dictionary<string, int> _tries = [];

        public bool IsGivenBack { get; private set; }
        public int Pid => 1;
        public ResourceLimits Applied => ResourceLimits.None;
        public OutputLog Stdout { get; } = new(() => throw new NotSupportedException());
        public OutputLog Stderr { get; } = new(() => throw new NotSupportedException());
        public Task<ProcessExit> Exited => Task.FromResult<ProcessExit>(new ProcessExit.Exited(3));

        public void Signal(int signal) { }

        public void Kill() { }

        public Task SettleAsync()
        {
            Refuse("settle");
            return Task.CompletedTask;
        }

        public ResourceUsage ReadUsage()
        {
            Refuse("usage");
            return ResourceUsage.None;
        }

        public bool RanOutOfMemory(ProcessExit exit, ResourceUsage usage) => false;

        public void Dispose()
        {
            Refuse("dispose");
            IsGivenBack = true;
        }

        private void Refuse(string step)
        {
            _tries[step] = _tries.GetValueOrDefault(step) + 1;
            if (_tries[step] <= refusals) throw new IOException("Too many open files");
        }
    }

    /// <summary>Refuses to store an end some times.</summary>
    private sealed class StubbornStore(int refusals) : IJobStore
    {
        private int _tries;

        public JobRecord? Stored { get; private set; }

        public void RecordEnd(JobRecord record)
        {
            if (++_tries <= refusals) throw new StoreException("disk full");
            Stored = record;
        }

        public void Insert(JobRecord record) => throw new NotSupportedException();

        public JobRecord? Find(JobId id) => throw new NotSupportedException();

        public JobPage List(string? owner, long? before, int count) => throw new NotSupportedException();

        public IReadOnlyList<JobRecord> Unended() => throw new NotSupportedException();
    }
}
