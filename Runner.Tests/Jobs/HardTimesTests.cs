using System.Security.Cryptography;
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
        var job = Supervised(process, store);
        await job.Ended.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(new JobEnd.Exited(3), Assert.IsType<JobState.Ended>(job.Record.State).End);
        Assert.Equal(job.Record, store.Stored);
        await process.GivenBack.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_job_that_cannot_be_told_to_end_is_still_killed_after_its_grace_period()
    {
        var process = new StubbornProcess(refusals: 2) { Lives = true };
        var job = Supervised(process, new StubbornStore(refusals: 0));
        await job.StopAsync("bert", Signals.Terminate, TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(new JobEnd.Stopped("bert", new ProcessExit.Signaled(9, false)), Assert.IsType<JobState.Ended>(job.Record.State).End);
    }

    [Fact]
    public async Task A_job_whose_exit_nobody_can_tell_is_lost_and_says_why()
    {
        var job = Supervised(new StubbornProcess(refusals: 0) { Unknown = true }, new StubbornStore(refusals: 0));
        await job.Ended.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Contains("No child processes", Assert.IsType<JobEnd.Lost>(Assert.IsType<JobState.Ended>(job.Record.State).End).Reason);
    }

    [Fact]
    public async Task A_digest_is_made_while_the_disk_still_writes_and_the_end_is_told_when_both_are_done()
    {
        var (reads, synced) = (new TaskCompletionSource(), new TaskCompletionSource());
        using var process = new PlayedProcess(Manner.Dies) { Synced = synced.Task, Stdout = new(() => new Zeros(reads), length: 3) };
        var store = new CountingStore();
        var job = Supervised(process, store);
        process.Exit(new ProcessExit.Exited(0));
        await reads.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Empty(store.Ends);
        Assert.False(job.Ended.IsCompleted);
        synced.SetResult();
        await job.Ended.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(new byte[3])), ((JobState.Ended)Assert.Single(store.Ends).State).Stdout!.Sha256);
    }

    [Fact]
    public async Task A_job_whose_folder_somebody_removes_while_it_runs_ends_as_any_other_and_what_is_missing_is_told()
    {
        using var machine = new Machine();
        var job = machine.Start("/bin/sh", "-c", "echo one; while [ ! -e \"$0\" ]; do sleep 0.01; done; echo more; echo new >&2; exit 3", Path.Combine(machine.Folder, "go"));
        await Machine.FirstLineAsync(job.Stdout);
        Directory.Delete(Path.Combine(machine.Folder, "jobs", job.Record.Id.ToString()), recursive: true);
        File.WriteAllText(Path.Combine(machine.Folder, "go"), "");
        var ended = await Machine.EndAsync(job);
        Assert.Equal((new JobEnd.Exited(3), 9, 4), (ended.End, ended.StdoutBytes, ended.StderrBytes));
        Assert.Equal((null, true), (ended.Stdout?.Sha256, ended.Stderr?.Sha256 is not null));
        var stored = machine.Jobs.Find(job.Record.Id, Machine.Admin);
        Assert.Equal(ended, stored.Record.State);
        Assert.Contains("stdout", (await Assert.ThrowsAnyAsync<IOException>(() => Machine.TextAsync(stored.Stdout))).Message);
        Assert.Equal("new\n", await Machine.TextAsync(stored.Stderr));
    }

    [Fact]
    public async Task A_job_of_which_nothing_but_a_removed_folder_is_left_ends_too()
    {
        using var machine = new Machine();
        var job = machine.Start("/bin/sh", "-c", "echo one; while [ ! -e \"$0\" ]; do sleep 0.01; done", Path.Combine(machine.Folder, "go"));
        await Machine.FirstLineAsync(job.Stdout);
        Directory.Delete(Path.Combine(machine.Folder, "jobs"), recursive: true);
        File.WriteAllText(Path.Combine(machine.Folder, "go"), "");
        Assert.Equal(new JobEnd.Exited(0), (await Machine.EndAsync(job)).End);
    }

    [Fact]
    public void A_start_that_cannot_be_stored_leaves_nothing_and_can_be_tried_again()
    {
        using var machine = new Machine(store => new FullStore(store, refusals: 1));
        var (id, spec) = (JobId.New(), new JobSpec { Command = "/bin/sleep", Args = ["1000"] });
        var e = Assert.Throws<JobException>(() => machine.Jobs.Start(id, spec, Machine.Admin));
        Assert.Equal((JobError.Exhausted, "store"), (e.Error, e.Step));
        Assert.Empty(machine.Cgroups());
        Assert.Empty(Directory.GetDirectories(Path.Combine(machine.Folder, "jobs")));
        Assert.IsType<JobState.Running>(machine.Jobs.Start(id, spec, Machine.Admin).Record.State);
    }

    [Fact]
    public async Task What_a_killed_server_left_of_a_start_does_not_hold_up_the_next_start_with_that_id()
    {
        using var machine = new Machine();
        var id = JobId.New();
        var left = Directory.CreateDirectory(Path.Combine(machine.Folder, "jobs", id.ToString()));
        foreach (var file in new[] { "stdout", "stderr", "index" }) File.WriteAllText(Path.Combine(left.FullName, file), "of the start before");
        var job = machine.Jobs.Start(id, new JobSpec { Command = "/bin/echo", Args = ["new"] }, Machine.Admin);
        Assert.Equal(new JobEnd.Exited(0), (await Machine.EndAsync(job)).End);
        Assert.Equal("new\n", await Machine.TextAsync(job.Stdout));
        Assert.Equal(["index", "stdout"], left.GetFiles().Select(file => file.Name).Order());
    }

    [Fact]
    public async Task A_job_that_is_being_started_never_looks_ended()
    {
        Machine? machine = null;
        Task<JobState>? seen = null;
        var id = JobId.New();

        // Somebody looks while the row is there and the start has not returned.
        using var mine = machine = new Machine(store => new FullStore(store, refusals: 0)
        {
            AfterInsert = () => seen = Task.Run(() => machine!.Jobs.Find(id, Machine.Admin) is var job && job.Ended.IsCompleted ? throw new InvalidOperationException("looks ended") : job.Record.State),
        });
        machine.Jobs.Start(id, new JobSpec { Command = "/bin/sleep", Args = ["1000"] }, Machine.Admin);
        Assert.IsType<JobState.Running>(await seen!.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_is_stored_as_ended_is_not_counted_among_what_runs_too()
    {
        Machine? machine = null;
        var seen = new List<long>();
        using var mine = machine = new Machine(store => new FullStore(store, refusals: 0) { AfterEnd = () => seen.Add(machine!.Jobs.RunningBytes()) });
        var job = machine.Start("/bin/sh", "-c", "echo hello; exec sleep 1000");
        await Machine.FirstLineAsync(job.Stdout);
        Assert.InRange(machine.Jobs.RunningBytes(), 6, 6 + OutputRecord.Size); // its record is told a moment later
        await machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, TimeSpan.Zero, TestContext.Current.CancellationToken);
        Assert.Equal([0], seen);
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

    private static RunningJob Supervised(IJobProcess process, IJobStore store)
    {
        var record = new JobRecord(JobId.New(), new JobSpec { Command = "x" }, "anna", 1, ResourceLimits.None, DateTimeOffset.UtcNow, new JobState.Running());
        var job = new RunningJob(record, process, store, TimeProvider.System, NullLogger.Instance);
        _ = job.SuperviseAsync();
        return job;
    }

    private sealed class Zeros(TaskCompletionSource reads) : IOutputBytes
    {
        public int Read(long offset, Span<byte> buffer)
        {
            reads.TrySetResult();
            buffer.Clear();
            return buffer.Length;
        }

        public void Dispose() { }
    }

    /// <summary>The real store on a disk that is full some times.</summary>
    private sealed class FullStore(IJobStore store, int refusals) : IJobStore
    {
        private int _tries;

        public Action AfterInsert { get; init; } = () => { };

        public void Insert(JobRecord record)
        {
            if (++_tries <= refusals) throw new StoreException("disk full") { IsFull = true };
            store.Insert(record);
            AfterInsert();
        }

        public Action AfterEnd { get; init; } = () => { };

        public void RecordEnd(JobRecord record)
        {
            store.RecordEnd(record);
            AfterEnd();
        }

        public JobRecord? Find(JobId id) => store.Find(id);

        public JobPage List(JobFilter filter, JobPlace? before, int count) => store.List(filter, before, count);

        public void RecordEnding(JobId id, EndingPlan plan) => store.RecordEnding(id, plan);

        public void Pin(JobId id, bool pinned) => store.Pin(id, pinned);

        public IReadOnlyList<(JobRecord, EndingPlan?)> Unended() => store.Unended();
    }

    /// <summary>Refuses each step some times.</summary>
    private sealed class StubbornProcess(int refusals) : IJobProcess
    {
        public DateTimeOffset? ExitedAt => null;
        private readonly Dictionary<string, int> _tries = [];

        private readonly TaskCompletionSource<ProcessExit> _killed = new();
        private readonly TaskCompletionSource _givenBack = new();

        /// <summary>Until it is killed.</summary>
        public bool Lives { get; init; }

        public bool Unknown { get; init; }
        public Task GivenBack => _givenBack.Task;
        public int Pid => 1;
        public TimeSpan? Age => null;
        public ResourceLimits Applied => ResourceLimits.None;
        public Task OutputLimitPassed { get; } = new TaskCompletionSource().Task;
        public bool HeldOpen => false;
        public bool DiskFailed => false;
        public OutputLog Stdout { get; } = new(() => throw new NotSupportedException());
        public OutputLog Stderr { get; } = new(() => throw new NotSupportedException());
        public OutputLog Index { get; } = new(() => throw new NotSupportedException());
        public Task<ProcessExit> Exited =>
            Unknown ? Task.FromException<ProcessExit>(new IOException("waitid: No child processes"))
            : Lives ? _killed.Task
            : Task.FromResult<ProcessExit>(new ProcessExit.Exited(3));

        public void Signal(int signal, bool wake) => Refuse("signal");

        public bool SignalMain(int signal)
        {
            Refuse("signal");
            return true;
        }

        public void Kill()
        {
            Refuse("kill");
            _killed.TrySetResult(new ProcessExit.Signaled(9, false));
        }

        public Task SettleAsync()
        {
            Refuse("settle");
            return Task.CompletedTask;
        }

        public Task SyncAsync()
        {
            Refuse("sync");
            return Task.CompletedTask;
        }

        public ResourceUsage ReadUsage(bool settled)
        {
            Refuse("usage");
            return ResourceUsage.None;
        }

        public OomReach OomReach(ProcessExit exit, ResourceUsage usage) => Runner.Jobs.OomReach.None;

        public string? HeldBack => null;
        public int? LeftoverProcesses => 0;

        public void Dispose()
        {
            Refuse("dispose");
            _givenBack.TrySetResult();
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

        public void Pin(JobId id, bool pinned) => throw new NotSupportedException();

        public JobPage List(JobFilter filter, JobPlace? before, int count) => throw new NotSupportedException();

        public void RecordEnding(JobId id, EndingPlan plan) { }

        public IReadOnlyList<(JobRecord, EndingPlan?)> Unended() => throw new NotSupportedException();
    }
}
