using Runner.Access;
using Runner.Jobs;
using Runner.Output;
using Runner.Tests.Support;

namespace Runner.Tests.Jobs;

/// <summary>What jobs wrote goes apart from their records, which say so; a reader has all of it or is told that it is gone.</summary>
public sealed class OutputRemovalTests : IDisposable
{
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Folder(Job job) => Path.Combine(_machine.Folder, "jobs", job.Record.Id.ToString());

    private Job Now(Job job) => _machine.Jobs.Find(job.Record.Id, Machine.Admin);

    private bool IsPruned(Job job) => Now(job).Record.State is JobState.Ended { PrunedAt: not null };

    private long Remove(Job job) => _machine.Removal.Remove(job.Record.Id, Machine.Admin, RemovalScope.Output);

    private Task<Removed> PruneAsync(JobFilter filter, bool dryRun = false, TimeSpan olderThan = default) =>
        _machine.Removal.PruneAsync(Machine.Admin, filter, olderThan, dryRun, Token, RemovalScope.Output);

    [Fact]
    public async Task The_output_of_an_ended_job_goes_once_and_its_record_stays_and_says_so()
    {
        var (before, silent) = (await _machine.RunAsync("echo hello; echo err >&2; exit 3"), await _machine.RunAsync("true"));
        var bytes = before.Stdout.Length + before.Stderr.Length + before.Index.Length;
        Assert.Equal(bytes, Remove(before));
        Assert.Equal((0, 0), (Remove(before), Remove(silent)));
        Assert.False(Directory.Exists(Folder(before)));
        Assert.False(IsPruned(silent)); // there was nothing

        var (old, ended) = ((JobState.Ended)before.Record.State, (JobState.Ended)Now(before).Record.State);
        Assert.NotNull(ended.PrunedAt);
        Assert.Equal(before.Record with { State = old with { StoredBytes = 0, PrunedAt = ended.PrunedAt } }, Now(before).Record);
        Assert.Equal(new OutputGap(0, 6, GapReason.Pruned), Now(before).Stdout.GapAt(0));
        Assert.Equal(new OutputGap(0, 4, GapReason.Pruned), Now(before).Stderr.GapAt(0));
        Assert.Empty(_machine.Store.Leftovers());

        // The same start again is still this job, and it can be removed whole.
        Assert.Equal(before.Record.Id, _machine.Jobs.Start(before.Record.Id, before.Record.Spec, Machine.Admin).Record.Id);
        Assert.Equal(0, _machine.Removal.Remove(before.Record.Id, Machine.Admin));
        Assert.Equal(JobError.NoSuchJob, Assert.Throws<JobException>(() => Remove(before)).Error);
    }

    [Fact]
    public async Task What_runs_or_is_being_read_or_is_somebody_elses_keeps_its_output()
    {
        var running = _machine.Start("sh", "-c", "echo x; exec sleep 1000");
        Assert.Equal((JobError.StillRunning, $"job {running.Record.Id}: still runs; stop it first"), Refusal(running));
        await Machine.FirstLineAsync(running.Stdout);
        await _machine.Jobs.StopAsync(running.Record.Id, Machine.Admin, TimeSpan.Zero, Token);

        var read = await _machine.RunAsync("echo hello");
        Assert.Equal(JobError.NoSuchJob, Assert.Throws<JobException>(() => _machine.Removal.Remove(read.Record.Id, new Caller("eve", Role.Writer), RemovalScope.Output)).Error);
        Assert.Equal(Removed.Nothing, await _machine.Removal.PruneAsync(new Caller("eve", Role.Writer), JobFilter.None, TimeSpan.Zero, false, Token, RemovalScope.Output));
        var (job, reading) = _machine.Jobs.Open(read.Record.Id, Machine.Admin);
        using (reading)
        {
            Assert.Equal((JobError.StillRunning, $"job {read.Record.Id}: its output is being read; try again when that has ended"), Refusal(read));
            var dry = await PruneAsync(JobFilter.None, dryRun: true);
            Assert.Equal((1, 1), (dry.Jobs, dry.Skipped));
            Assert.Equal(dry, await PruneAsync(JobFilter.None));
            Assert.Equal("hello\n", await Machine.TextAsync(job.Stdout));
        }
        Assert.Equal(1, (await PruneAsync(JobFilter.None)).Jobs);
        Assert.True(IsPruned(read));

        (JobError, string) Refusal(Job of)
        {
            var e = Assert.Throws<JobException>(() => Remove(of));
            return (e.Error, e.Message);
        }
    }

    [Fact]
    public async Task A_prune_takes_what_the_filter_says_and_is_old_enough_and_is_not_pinned_and_tells_before_what_it_would()
    {
        var jobs = new List<Job>();
        foreach (var (team, pinned) in new[] { ("red", false), ("red", true), ("blue", false) })
        {
            jobs.Add(_machine.Start(new JobSpec { Command = "echo", Args = [team], Pinned = pinned, Labels = new Dictionary<string, string> { ["team"] = team } }));
            await Machine.EndAsync(jobs[^1]);
        }
        Assert.Equal([false, true, false], jobs.Select(job => Now(job).Record.Pinned));
        Assert.Equal(Removed.Nothing, await PruneAsync(JobFilter.None, olderThan: TimeSpan.FromHours(1)));
        var red = new JobFilter { Labels = [new("team", "red")] };
        var dry = await PruneAsync(red, dryRun: true);
        Assert.Equal(new Removed(1, jobs[0].Stdout.Length + jobs[0].Index.Length, 0), dry);
        Assert.Equal([false, false, false], jobs.Select(IsPruned));
        Assert.Equal(dry, await PruneAsync(red));
        Assert.Equal([true, false, false], jobs.Select(IsPruned));
        Assert.Equal(1, (await PruneAsync(JobFilter.None)).Jobs);
        Assert.Equal(Removed.Nothing, await PruneAsync(JobFilter.None));
        Assert.Equal("red\n", await Machine.TextAsync(Now(jobs[1]).Stdout));
        Assert.Equal(jobs[1].Stdout.Length + jobs[1].Index.Length, Remove(jobs[1])); // by its name it goes, as a job does
        Assert.True(Now(jobs[1]).Record.Pinned);
        foreach (var (filter, field) in new[] { (new JobFilter { Running = true }, "filter.state"), (new() { Pinned = true }, "filter.pinned") })
            Assert.Equal(field, (await Assert.ThrowsAsync<JobException>(() => PruneAsync(filter))).Field);
        Assert.Equal(new Removed(2, 0, 0), await _machine.Removal.PruneAsync(Machine.Admin, JobFilter.None, TimeSpan.Zero, dryRun: true, Token));
    }

    [Fact]
    public async Task A_prune_that_a_server_was_killed_in_is_finished_and_its_readers_are_told_until_then()
    {
        var (kept, pruned, read) = (await _machine.RunAsync("echo kept"), await _machine.RunAsync("echo pruned"), await _machine.RunAsync("echo read"));

        // The server was killed here: the files are there still, and nobody reads them.
        Assert.Equal(2, _machine.Store.RemoveOutput([pruned.Record.Id, read.Record.Id], DateTimeOffset.UtcNow).Count);
        foreach (var job in new[] { pruned, read }) _machine.Jobs.LetGo(job.Record.Id);
        Assert.True(Directory.Exists(Folder(pruned)));
        Assert.Equal(new OutputGap(0, 7, GapReason.Pruned), Now(pruned).Stdout.GapAt(0));
        var (open, reading) = _machine.Jobs.Open(read.Record.Id, Machine.Admin);
        using (reading)
        {
            Assert.Equal(new OutputGap(0, 5, GapReason.Pruned), open.Stdout.GapAt(0));
            await _machine.Removal.FinishAsync(Token);
            Assert.False(Directory.Exists(Folder(pruned)));
            Assert.Equal([read.Record.Id], _machine.Store.Leftovers()); // not forgotten
        }
        await _machine.Removal.FinishAsync(Token);
        Assert.Equal([true, false, false], new[] { kept, pruned, read }.Select(job => Directory.Exists(Folder(job))));
        Assert.Empty(_machine.Store.Leftovers());
        Assert.Equal("kept\n", await Machine.TextAsync(Now(kept).Stdout));
    }

    [Fact]
    public async Task A_reader_that_comes_while_a_removal_is_decided_waits_for_that_and_a_start_for_all_of_it()
    {
        var (readers, id) = (new Readers(), JobId.New());
        var claim = readers.TryClaim(id)!;
        Assert.Null(readers.TryClaim(id));
        var entering = Task.Run(() => readers.Enter(id), Token);
        var other = Task.Run(() => readers.Enter(JobId.New()), Token);
        (await other.WaitAsync(TimeSpan.FromSeconds(30), Token)).Dispose();
        Assert.False(entering.IsCompleted);
        claim.Decide();
        var place = await entering.WaitAsync(TimeSpan.FromSeconds(30), Token);
        Assert.Equal((true, false), (readers.IsClaimed(id), readers.IsFree(id)));
        claim.Dispose();
        Assert.Equal((false, false), (readers.IsClaimed(id), readers.IsFree(id)));
        Assert.Null(readers.TryClaim(id));
        place.Dispose();
        Assert.True(readers.IsFree(id));

        // And where it comes to nothing.
        claim = readers.TryClaim(id)!;
        entering = Task.Run(() => readers.Enter(id), Token);
        claim.Dispose();
        (await entering.WaitAsync(TimeSpan.FromSeconds(30), Token)).Dispose();
    }

    [Fact]
    public async Task Output_is_read_and_removed_at_once_and_every_reader_has_all_of_it_or_is_told_that_it_is_gone()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var pruning = Task.Run(async () =>
        {
            var gone = 0L;
            while (!stop.IsCancellationRequested) gone += (await PruneAsync(JobFilter.None)).Jobs;
            return gone + (await PruneAsync(JobFilter.None)).Jobs;
        }, Token);
        for (var i = 0; i < 40; i++)
        {
            var id = (await _machine.RunAsync($"echo {i:000}")).Record.Id;
            for (var pruned = false; !pruned;)
            {
                var (job, reading) = _machine.Jobs.Open(id, Machine.Admin);
                using (reading)
                {
                    pruned = job.Stdout.GapAt(0) is not null;
                    Assert.Equal(pruned ? new OutputGap(0, 4, GapReason.Pruned) : null, job.Stdout.GapAt(0));
                    Assert.Equal(pruned ? "" : $"{i:000}\n", await Machine.TextAsync(job.Stdout));
                }
                await Task.Delay(1, Token); // a reader that never leaves keeps the output
            }
        }
        await stop.CancelAsync();
        Assert.Equal(40, await pruning.WaitAsync(TimeSpan.FromSeconds(30), Token));
        Assert.Empty(Directory.GetDirectories(Path.Combine(_machine.Folder, "jobs")));
    }

    [Fact]
    public async Task A_job_that_is_pinned_from_its_start_is_the_same_start_only_with_that()
    {
        var spec = new JobSpec { Command = "echo", Args = ["x"], Pinned = true };
        var job = _machine.Start(spec);
        Assert.True(job.Record.Pinned);
        await Machine.EndAsync(job);
        Assert.False(_machine.Jobs.Pin(job.Record.Id, Machine.Admin, false).Record.Pinned);
        Assert.False(_machine.Jobs.Start(job.Record.Id, spec, Machine.Admin).Record.Pinned); // and does not pin it again
        Assert.Equal(JobError.IdInUse, Assert.Throws<JobException>(() => _machine.Jobs.Start(job.Record.Id, spec with { Pinned = false }, Machine.Admin)).Error);
    }
}
