using Runner.Access;
using Runner.Jobs;
using Runner.Tests.Support;

namespace Runner.Tests.Jobs;

/// <summary>What ended jobs leave is removed when it is asked for, and only then.</summary>
public sealed class JobRemovalTests : IDisposable
{
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Folder(Job job) => Path.Combine(_machine.Folder, "jobs", job.Record.Id.ToString());

    private bool IsThere(Job job)
    {
        try
        {
            return _machine.Jobs.Find(job.Record.Id, Machine.Admin) is not null;
        }
        catch (JobException e) when (e.Error is JobError.NoSuchJob)
        {
            return false;
        }
    }

    [Fact]
    public async Task An_ended_job_goes_with_its_record_and_its_output_and_its_id_is_free_again()
    {
        var job = await _machine.RunAsync("echo hello; echo err >&2");
        Assert.Equal(job.Stdout.Length + job.Stderr.Length + job.Index.Length, _machine.Removal.Remove(job.Record.Id, Machine.Admin));
        Assert.False(IsThere(job));
        Assert.False(Directory.Exists(Folder(job)));
        Assert.Empty(_machine.Jobs.List(Machine.Admin, JobFilter.None, null, 10).Jobs);
        Assert.Equal(JobError.NoSuchJob, Assert.Throws<JobException>(() => _machine.Removal.Remove(job.Record.Id, Machine.Admin)).Error);

        var again = _machine.Jobs.Start(job.Record.Id, new JobSpec { Command = "echo", Args = ["again"] }, Machine.Admin);
        await Machine.EndAsync(again);
        Assert.Equal("again\n", await Machine.TextAsync(again.Stdout));
    }

    [Fact]
    public async Task A_job_that_runs_or_is_being_read_or_is_somebody_elses_stays()
    {
        var running = _machine.Start("sleep", "1000");
        var e = Assert.Throws<JobException>(() => _machine.Removal.Remove(running.Record.Id, Machine.Admin));
        Assert.Equal((JobError.StillRunning, $"job {running.Record.Id}: still runs; stop it first"), (e.Error, e.Message));
        await _machine.Jobs.StopAsync(running.Record.Id, Machine.Admin, TimeSpan.Zero, Token);

        var read = await _machine.RunAsync("echo hello");
        Assert.Equal(JobError.NoSuchJob, Assert.Throws<JobException>(() => _machine.Removal.Remove(read.Record.Id, new Caller("eve", Role.Writer))).Error);
        var (job, reading) = _machine.Jobs.Open(read.Record.Id, Machine.Admin);
        using (reading)
        {
            Assert.Equal(JobError.StillRunning, Assert.Throws<JobException>(() => _machine.Removal.Remove(read.Record.Id, Machine.Admin)).Error);
            var dry = await _machine.Removal.PruneAsync(Machine.Admin, JobFilter.None, TimeSpan.Zero, dryRun: true, Token);
            Assert.Equal((1, 1), (dry.Jobs, dry.Skipped)); // what a prune would do now
            Assert.Equal((1, 1), await PruneAsync(JobFilter.None));
            Assert.Equal("hello\n", await Machine.TextAsync(job.Stdout));
        }
        Assert.Equal((1, 0), await PruneAsync(JobFilter.None));
        Assert.False(IsThere(read));
    }

    [Fact]
    public async Task A_prune_takes_what_the_filter_says_and_is_old_enough_and_is_not_pinned()
    {
        var red = await RunAsync("red");
        var pinned = await RunAsync("red");
        var blue = await RunAsync("blue");
        var running = _machine.Start("sleep", "1000");
        Assert.True(_machine.Jobs.Pin(pinned.Record.Id, Machine.Admin, true).Record.Pinned);
        Assert.True(_machine.Jobs.Pin(running.Record.Id, Machine.Admin, true).Record.Pinned);
        Assert.Equal([running.Record.Id, pinned.Record.Id], _machine.Jobs.List(Machine.Admin, new() { Pinned = true }, null, 10).Jobs.Select(job => job.Record.Id));

        Assert.Equal((0, 0), await PruneAsync(JobFilter.None, TimeSpan.FromHours(1)));
        var dry = await _machine.Removal.PruneAsync(Machine.Admin, JobFilter.None, TimeSpan.Zero, dryRun: true, Token);
        Assert.Equal(new Removed(2, red.Stdout.Length + red.Index.Length + blue.Stdout.Length + blue.Index.Length, 0), dry);
        Assert.Equal((0, 0), await PruneAsync(new() { Owner = "eve" }));
        Assert.Equal(Removed.Nothing, await _machine.Removal.PruneAsync(new Caller("eve", Role.Writer), JobFilter.None, TimeSpan.Zero, dryRun: false, Token));
        Assert.Equal((1, 0), await PruneAsync(new() { Labels = [new("team", "red")] }));
        Assert.Equal([false, true, true], new[] { red, pinned, blue }.Select(IsThere));

        // What was pinned while it ran stays pinned when it has ended.
        await _machine.Jobs.StopAsync(running.Record.Id, Machine.Admin, TimeSpan.Zero, Token);
        Assert.Equal((1, 0), await PruneAsync(JobFilter.None));
        Assert.Equal([pinned.Record.Id.ToString(), running.Record.Id.ToString()],
            _machine.Jobs.List(Machine.Admin, JobFilter.None, null, 10).Jobs.Select(job => job.Record.Id.ToString()).Order());
        _machine.Jobs.Pin(pinned.Record.Id, Machine.Admin, false);
        Assert.Equal((1, 0), await PruneAsync(JobFilter.None));
        _machine.Removal.Remove(running.Record.Id, Machine.Admin);
        Assert.Empty(_machine.Jobs.List(Machine.Admin, new() { Labels = [new("team", null)] }, null, 10).Jobs);
    }

    [Theory]
    [InlineData("filter.state", "state running: must be ended, as only ended jobs can be removed")]
    [InlineData("filter.pinned", "pinned: must be false, as pinned jobs stay")]
    [InlineData("older_than", "older than -00:00:01: must be 0 to 3650 days")]
    public async Task A_prune_that_could_remove_nothing_is_refused(string field, string sentence)
    {
        var filter = field switch { "filter.state" => new JobFilter { Running = true }, "filter.pinned" => new() { Pinned = true }, _ => JobFilter.None };
        var e = await Assert.ThrowsAsync<JobException>(() => PruneAsync(filter, field is "older_than" ? TimeSpan.FromSeconds(-1) : TimeSpan.Zero));
        Assert.Equal((JobError.BadField, field, sentence), (e.Error, e.Field, e.Message));
    }

    [Fact]
    public async Task A_removal_that_a_server_was_killed_in_is_finished_and_what_nobody_removed_stays()
    {
        var (kept, removed, again) = (await _machine.RunAsync("echo kept"), await _machine.RunAsync("echo removed"), await _machine.RunAsync("echo first"));

        // The server was killed here.
        Assert.Equal(2, _machine.Store.Remove([removed.Record.Id, again.Record.Id]).Count);
        Assert.Equal(2, _machine.Store.Leftovers().Count);
        var second = _machine.Jobs.Start(again.Record.Id, new JobSpec { Command = "echo", Args = ["second"] }, Machine.Admin);
        await Machine.EndAsync(second);
        var unknown = Directory.CreateDirectory(Path.Combine(_machine.Folder, "jobs", JobId.New().ToString())).FullName;
        await _machine.Removal.FinishAsync(Token);
        Assert.Equal([false, true, true, true], new[] { Folder(removed), Folder(again), Folder(kept), unknown }.Select(Directory.Exists));
        Assert.Equal("second\n", await Machine.TextAsync(_machine.Jobs.Find(again.Record.Id, Machine.Admin).Stdout));
        Assert.Empty(_machine.Store.Leftovers());
    }

    [Fact]
    public async Task Jobs_are_started_read_and_removed_at_once_and_no_reader_misses_a_byte()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var pruning = Task.Run(async () =>
        {
            var gone = 0L;
            while (!stop.IsCancellationRequested) gone += (await _machine.Removal.PruneAsync(Machine.Admin, JobFilter.None, TimeSpan.Zero, false, Token)).Jobs;
            return gone;
        }, Token);
        var id = JobId.New();
        for (var i = 0; i < 60; i++)
        {
            // The same id again and again: what is removed is never the next one's.
            Job job;
            while (true)
            {
                try
                {
                    job = _machine.Jobs.Start(id, new JobSpec { Command = "sh", Args = ["-c", $"echo {i}"] }, Machine.Admin);
                    break;
                }
                catch (JobException e) when (e.Error is JobError.IdInUse)
                {
                    await Task.Delay(1, Token); // the one before is still there
                }
            }
            try
            {
                var (open, reading) = _machine.Jobs.Open(id, Machine.Admin);
                using var held = reading;
                await open.Ended.WaitAsync(TimeSpan.FromSeconds(30), Token);
                Assert.Equal($"{i}\n", await Machine.TextAsync(open.Stdout));
            }
            catch (JobException e) when (e.Error is JobError.NoSuchJob)
            {
                Assert.True(job.Ended.IsCompleted); // it was faster
            }
        }
        await stop.CancelAsync();
        Assert.InRange(await pruning.WaitAsync(TimeSpan.FromSeconds(30), Token), 50, 60);
    }

    private async Task<Job> RunAsync(string team)
    {
        var job = _machine.Start(new JobSpec { Command = "echo", Args = [team], Labels = new Dictionary<string, string> { ["team"] = team } });
        await Machine.EndAsync(job);
        return job;
    }

    private async Task<(long Jobs, long Skipped)> PruneAsync(JobFilter filter, TimeSpan olderThan = default)
    {
        var removed = await _machine.Removal.PruneAsync(Machine.Admin, filter, olderThan, dryRun: false, Token);
        return (removed.Jobs, removed.Skipped);
    }
}
