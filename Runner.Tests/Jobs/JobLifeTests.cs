using Runner.Access;
using Runner.Jobs;
using Runner.Tests.Support;

namespace Runner.Tests.Jobs;

public sealed class JobLifeTests : IDisposable
{
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_job_writes_to_both_streams_and_returns_its_code()
    {
        var job = await _machine.RunAsync("echo out; echo err >&2; exit 3");
        Assert.Equal(new JobEnd.Exited(3), Machine.EndOf(job));
        Assert.Equal("out\n", await Machine.TextAsync(job.Stdout));
        Assert.Equal("err\n", await Machine.TextAsync(job.Stderr));
    }

    [Fact]
    public async Task A_signal_that_kills_the_job_is_its_end() =>
        Assert.Equal(11, Assert.IsType<JobEnd.Signaled>(Machine.EndOf(await _machine.RunAsync("ulimit -c 0; kill -SEGV $$"))).Signal);

    [Fact]
    public async Task Memory_past_the_limit_ends_the_job_as_out_of_memory()
    {
        // dd fills a buffer of that size; exec makes it the job's main process.
        var job = await _machine.RunAsync("exec dd if=/dev/zero of=/dev/null bs=200M count=1", new(MemoryBytes: 64 << 20));
        Assert.IsType<JobEnd.OutOfMemory>(Machine.EndOf(job));
        Assert.True(job.Usage().OomKills > 0);
    }

    [Fact]
    public async Task A_child_past_the_memory_limit_takes_the_whole_job_with_it()
    {
        var job = await _machine.RunAsync("dd if=/dev/zero of=/dev/null bs=200M count=1; sleep 1000", new(MemoryBytes: 64 << 20));
        Assert.IsType<JobEnd.OutOfMemory>(Machine.EndOf(job));
    }

    [Fact]
    public async Task A_stop_ends_children_that_left_the_session_and_ignore_it()
    {
        var job = _machine.Start("/bin/sh", "-c", "setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 100; done' & wait");
        var pid = int.Parse(await Machine.FirstLineAsync(job.Stdout));
        var stopped = await _machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, TimeSpan.FromMilliseconds(50), Cancelled);
        Assert.IsType<JobEnd.Stopped>(Machine.EndOf(stopped));
        Assert.False(Processes.IsAlive(pid));
    }

    [Fact]
    public async Task A_job_that_ignores_SIGTERM_is_killed_after_its_grace_period()
    {
        var job = _machine.Start("/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 100; done");
        await Machine.FirstLineAsync(job.Stdout);
        await _machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, TimeSpan.FromMilliseconds(100), Cancelled);
        Assert.Equal(new JobEnd.Stopped("admin", new ProcessExit.Signaled(9, false)), Machine.EndOf(job));
    }

    [Fact]
    public async Task A_job_that_takes_SIGTERM_well_is_stopped_with_its_own_code()
    {
        var job = _machine.Start("/bin/sh", "-c", "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done");
        await Machine.FirstLineAsync(job.Stdout);
        await _machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, TimeSpan.FromMinutes(2), Cancelled);
        Assert.Equal(new JobEnd.Stopped("admin", new ProcessExit.Exited(7)), Machine.EndOf(job));
        Assert.Equal("ready\nbye\n", await Machine.TextAsync(job.Stdout));
    }

    [Fact]
    public async Task Of_two_stops_at_once_the_first_is_recorded_and_both_are_answered()
    {
        var job = _machine.Start("/bin/sleep", "1000");
        var stops = Enumerable.Range(0, 2).Select(_ => _machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, null, Cancelled)).ToArray();
        var outcomes = await Task.WhenAll(stops.Select(async stop => await Record.ExceptionAsync(() => stop)));
        Assert.Contains(null, outcomes);
        Assert.All(outcomes.OfType<JobException>(), e => Assert.Equal(JobError.AlreadyEnded, e.Error));
        Assert.IsType<JobEnd.Stopped>(Machine.EndOf(job));
    }

    [Fact]
    public async Task A_stop_of_an_ended_job_says_so()
    {
        var job = await _machine.RunAsync("true");
        var e = await Assert.ThrowsAsync<JobException>(() => _machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, null, Cancelled));
        Assert.Equal(JobError.AlreadyEnded, e.Error);
    }

    [Fact]
    public async Task What_the_main_process_leaves_behind_dies_with_it_and_cannot_hold_up_the_end()
    {
        var job = await _machine.RunAsync("setsid sleep 1000 & echo $!");
        Assert.Equal((new JobEnd.Exited(0), false), (Machine.EndOf(job), (await Machine.EndAsync(job)).HeldOpen));
        Assert.False(Processes.IsAlive(int.Parse(await Machine.TextAsync(job.Stdout))));
    }

    [Fact]
    public async Task A_process_that_escapes_the_cgroup_cannot_hold_up_the_end_by_its_pipe()
    {
        // Root can leave: into the root of the v2 hierarchy, where the kill does not reach.
        var root = CgroupRoots.V2;
        var job = _machine.Start("/bin/sh", "-c", $"setsid sh -c 'echo $$ > {root}/cgroup.procs; echo $$; : >\"$0\"; exec sleep 1000' \"$0\" & while [ ! -e \"$0\" ]; do sleep 0.02; done", Path.Combine(_machine.Folder, "escaped"));
        var pid = int.Parse(await Machine.FirstLineAsync(job.Stdout));
        try
        {
            Assert.True((await Machine.EndAsync(job)).HeldOpen);
            Assert.Equal($"{pid}\n", await Machine.TextAsync(job.Stdout));
        }
        finally
        {
            if (Processes.IsAlive(pid)) System.Diagnostics.Process.GetProcessById(pid).Kill();
        }
    }

    [Fact]
    public async Task A_repeated_start_answers_the_first_job()
    {
        var id = JobId.New();
        var spec = new JobSpec { Command = "/bin/sh", Args = ["-c", "echo once"] };
        var jobs = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => _machine.Jobs.Start(id, spec, Machine.Admin))));
        Assert.Single(jobs.Select(job => job.Record.Pid).Distinct());
        await Machine.EndAsync(jobs[0]);
        Assert.Equal(jobs[0].Record.Pid, _machine.Jobs.Start(id, spec, Machine.Admin).Record.Pid);
        Assert.Equal("once\n", await Machine.TextAsync(jobs[0].Stdout));
    }

    [Fact]
    public async Task An_id_in_use_for_another_job_is_refused()
    {
        var job = await _machine.RunAsync("true");
        var id = job.Record.Id;
        var other = new JobSpec { Command = "/bin/false" };
        Assert.Equal(JobError.IdInUse, Assert.Throws<JobException>(() => _machine.Jobs.Start(id, other, Machine.Admin)).Error);
        Assert.Equal(JobError.IdInUse, Assert.Throws<JobException>(() => _machine.Jobs.Start(id, job.Record.Spec, new Caller("eve", Role.Writer))).Error);
    }

    [Fact]
    public async Task A_job_of_somebody_else_does_not_exist_for_a_writer()
    {
        var job = await _machine.RunAsync("true");
        var eve = new Caller("eve", Role.Writer);
        var seen = Assert.Throws<JobException>(() => _machine.Jobs.Find(job.Record.Id, eve));
        var unknown = Assert.Throws<JobException>(() => _machine.Jobs.Find(JobId.New(), eve));
        Assert.Equal((JobError.NoSuchJob, JobError.NoSuchJob), (seen.Error, unknown.Error));
        Assert.Empty(_machine.Jobs.List(eve, JobFilter.None, null, 10).Jobs);
        Assert.NotEmpty(_machine.Jobs.List(new Caller("rita", Role.Reader), JobFilter.None, null, 10).Jobs);
    }

    [Fact]
    public async Task A_start_that_is_refused_for_its_id_leaves_the_job_that_has_it_as_it_was()
    {
        var job = _machine.Start("/bin/sleep", "1000");
        Assert.Throws<JobException>(() => _machine.Jobs.Start(job.Record.Id, new JobSpec { Command = "/bin/false" }, Machine.Admin));
        await _machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, TimeSpan.Zero, Cancelled);
        Assert.IsType<JobEnd.Stopped>(Machine.EndOf(job));
    }

    [Fact]
    public async Task A_start_that_fails_is_told_to_nobody_who_came_with_the_same_id()
    {
        var eve = new Caller("eve", Role.Writer);
        for (var round = 0; round < 20; round++)
        {
            var id = JobId.New();
            var failing = Task.Run(() => _machine.Jobs.Start(id, new JobSpec { Command = "/no/such/secret" }, Machine.Admin), Cancelled);
            var other = await Task.Run(() => Record.Exception(() => _machine.Jobs.Start(id, new JobSpec { Command = "/bin/true" }, eve)), Cancelled);
            Assert.Null(other);
            var e = await Assert.ThrowsAsync<JobException>(() => failing);
            Assert.Contains(e.Error, new[] { JobError.CannotStart, JobError.IdInUse });
        }
    }

    [Fact]
    public void A_caller_counts_only_the_jobs_it_may_see()
    {
        _machine.Start("/bin/sleep", "1000");
        var eve = new Caller("eve", Role.Writer);
        Assert.Equal((1, 1, 0), (_machine.Jobs.RunningCount(Machine.Admin), _machine.Jobs.RunningCount(new("rita", Role.Reader)), _machine.Jobs.RunningCount(eve)));
    }

    [Fact]
    public void A_place_in_the_list_tells_nothing_of_a_job_of_others_and_stays_when_its_job_has_gone()
    {
        var eve = new Caller("eve", Role.Writer);
        var first = _machine.Jobs.Start(JobId.New(), new JobSpec { Command = "/bin/true" }, eve);
        var job = _machine.Start("/bin/true");
        var at = job.Record.StartedAt;
        Assert.All([job.Record.Id, JobId.New(), (JobId?)null], id =>
            Assert.Equal([[first.Record.Id], []], new[] { at, first.Record.StartedAt }.Select(time => _machine.Jobs.List(eve, JobFilter.None, new(id, time), 10).Jobs.Select(found => found.Record.Id))));
        Assert.Equal([first.Record.Id], _machine.Jobs.List(Machine.Admin, JobFilter.None, new(job.Record.Id, at), 10).Jobs.Select(found => found.Record.Id));
        Assert.Empty(_machine.Jobs.List(Machine.Admin, JobFilter.None, new(first.Record.Id, at), 10).Jobs);
    }

    [Fact]
    public async Task A_failed_start_leaves_nothing()
    {
        var before = Processes.Descriptors();
        for (var i = 0; i < 200; i++)
        {
            var e = Assert.Throws<JobException>(() => _machine.Start("/no/such/program"));
            Assert.Equal((JobError.CannotStart, "execve", 2), (e.Error, e.Step, e.Errno));
        }
        await Processes.EachIsCollectedAsync();
        Assert.Empty(Directory.GetDirectories(Path.Combine(_machine.Folder, "jobs")));
        Assert.Empty(_machine.Cgroups());
        Assert.Empty(_machine.Jobs.List(Machine.Admin, JobFilter.None, null, 10).Jobs);

        // Other tests run beside this one, and some start dozens of processes; a leak would be 200.
        await Until.SoAsync(() => Processes.Descriptors() <= before + 100, () => $"of {Processes.Descriptors()} open descriptors {before} were open before");
    }

    [Fact]
    public async Task A_shutdown_ends_every_job_in_the_servers_name_and_takes_no_new_one()
    {
        var job = _machine.Start("/bin/sleep", "1000");
        await _machine.Jobs.ShutdownAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(JobEnd.ByServer, Assert.IsType<JobEnd.Stopped>(Machine.EndOf(job)).By);
        Assert.Equal(JobError.Exhausted, Assert.Throws<JobException>(() => _machine.Start("/bin/true")).Error);
    }
}
