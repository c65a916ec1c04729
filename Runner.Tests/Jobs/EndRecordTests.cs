using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Tests.Support;

namespace Runner.Tests.Jobs;

/// <summary>What the record of an end tells beside whose doing it was.</summary>
public sealed class EndRecordTests : IDisposable
{
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData("true", 0)]
    [InlineData("sleep 1000 & exit 0", 1)]
    [InlineData("setsid sleep 1000 & sleep 1000 & sleep 1000 & exit 1", 3)]
    [InlineData("sleep 1000 & kill -9 $$", 1)]
    public async Task What_was_left_when_the_main_process_had_gone_is_counted(string script, int left) =>
        Assert.Equal(left, ((JobState.Ended)(await _machine.RunAsync(script)).Record.State).LeftoverProcesses);

    [Fact]
    public async Task What_is_left_in_nested_cgroups_counts_too()
    {
        var left = await _machine.RunAsync($"cd {CgroupRoots.V2}/{_machine.CgroupName}/$RUNNER_JOB_ID; mkdir nested; (echo 0 >nested/cgroup.procs; exec sleep 1000) & while ! grep -q . nested/cgroup.procs; do :; done");
        Assert.Equal(1, ((JobState.Ended)left.Record.State).LeftoverProcesses);
    }

    [Fact]
    public async Task Of_a_job_that_is_killed_as_a_whole_nothing_counts_as_left()
    {
        var job = _machine.Start("/bin/sh", "-c", "sleep 1000 & sleep 1000 & echo ready; wait");
        await Machine.FirstLineAsync(job.Stdout);
        await _machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, TimeSpan.Zero, TestContext.Current.CancellationToken);
        Assert.Null(((JobState.Ended)job.Record.State).LeftoverProcesses);
        var killed = await _machine.RunAsync("sleep 1000 & dd if=/dev/zero of=/dev/null bs=200M count=1; sleep 1000", new(MemoryBytes: 64 << 20));
        Assert.IsType<JobEnd.OutOfMemory>(Machine.EndOf(killed));
        Assert.Null(((JobState.Ended)killed.Record.State).LeftoverProcesses);
    }

    [Fact]
    public async Task Switches_are_those_of_the_main_process_and_of_what_it_waited_for()
    {
        // Each sleep gives up the CPU once at least; who is not waited for is not counted.
        var job = _machine.Start("/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.001; done; echo slept; exec sleep 1000");
        await Machine.FirstLineAsync(job.Stdout);
        Assert.Null(job.Usage().VoluntarySwitches);
        await _machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, null, TestContext.Current.CancellationToken);
        Assert.InRange(job.Usage().VoluntarySwitches!.Value, 10, 1000);
        Assert.NotNull(job.Usage().InvoluntarySwitches);
    }

    [Fact]
    public async Task A_main_process_that_is_pushed_off_its_CPU_loses_it_involuntarily()
    {
        var job = await _machine.RunAsync("taskset -p -c 0 $$ >/dev/null; (while :; do :; done) & end=$(($(date +%s) + 2)); while [ $(date +%s) -lt $end ]; do :; done");
        Assert.True(job.Usage().InvoluntarySwitches > 0, $"{job.Usage()}");
        if (!File.Exists("/proc/pressure/cpu")) return;
        Assert.True(job.Usage().CpuPressure!.Some > TimeSpan.FromMilliseconds(200), $"{job.Usage()}");
        Assert.NotNull(job.Usage().MemoryPressure);
        Assert.NotNull(job.Usage().IoPressure);
    }

    [Fact]
    public async Task The_most_processes_at_once_are_told()
    {
        var job = await _machine.RunAsync("all=; for i in 1 2 3 4 5; do sleep 1000 & all=\"$all $!\"; done; kill $all; wait");
        Assert.SkipWhen(job.Usage().PidsPeak is null, "this kernel is older than Linux 6.1");
        Assert.Equal((6, 0), (job.Usage().PidsPeak, job.Usage().Pids));
    }

    [Fact]
    public async Task Requests_to_disks_are_counted()
    {
        Assert.SkipWhen(FileDevice.Of(_machine.Folder).Major == 0, "the temporary folder is not on one block device");
        var job = await _machine.RunAsync($"dd if=/dev/zero of={_machine.Folder}/file bs=4K count=20 oflag=direct 2>&1");
        Assert.InRange(job.Usage().WrittenOperations!.Value, 20, 1000);
        Assert.NotNull(job.Usage().ReadOperations);
    }

    [Fact]
    public async Task So_are_those_to_a_disk_that_nobody_ever_set_a_rate_for()
    {
        Assert.SkipUnless(Directory.Exists("/sys/fs/cgroup/blkio"), "v2 counts in another way");
        var (image, folder) = (Path.Combine(_machine.Folder, "image"), Directory.CreateDirectory(Path.Combine(_machine.Folder, "mounted")).FullName);
        var job = await _machine.RunAsync($"truncate -s 8M {image} && mkfs.ext4 -q {image} && losetup -f --show {image}");
        var disk = (await Machine.TextAsync(job.Stdout)).Trim();
        Assert.SkipUnless(disk.StartsWith("/dev/loop", StringComparison.Ordinal), "this machine has no loop devices");
        try
        {
            using var later = new Machine();
            job = await later.RunAsync($"unshare -m sh -ec 'mount {disk} {folder}; dd if=/dev/zero of={folder}/file bs=4K count=20 oflag=direct'");
            Assert.Equal(new JobEnd.Exited(0), Machine.EndOf(job));
            Assert.InRange(job.Usage().WrittenBytes!.Value, 20 * 4096, 8 << 20);
        }
        finally
        {
            await _machine.RunAsync($"losetup -d {disk}");
        }
    }

    [Fact]
    public async Task What_the_job_is_told_to_have_used_is_what_is_stored()
    {
        var job = await _machine.RunAsync("sleep 1000 & dd if=/dev/zero of=/dev/null bs=1M count=1 2>&1");
        Assert.Equal(job.Record, _machine.Jobs.Find(job.Record.Id, Machine.Admin).Record);
    }

    // How the main process went, whether a stop was under way, how far a kill for want of memory went, and the end.
    private static readonly (ProcessExit Exit, bool Stopped, OomReach Reach, string Reason)[] s_ends =
    [
        (new ProcessExit.Exited(0), false, OomReach.None, "exited"),
        (new ProcessExit.Exited(0), false, OomReach.SomeProcess, "exited"),
        (new ProcessExit.Exited(137), false, OomReach.WholeJob, "out-of-memory"),
        (new ProcessExit.Exited(0), true, OomReach.SomeProcess, "stopped"),
        (new ProcessExit.Signaled(Signals.Kill, false), false, OomReach.None, "signaled"),
        (new ProcessExit.Signaled(Signals.Kill, false), false, OomReach.SomeProcess, "out-of-memory"),
        (new ProcessExit.Signaled(Signals.Terminate, false), false, OomReach.SomeProcess, "signaled"),
        (new ProcessExit.Signaled(Signals.Kill, false), true, OomReach.None, "stopped"),
        (new ProcessExit.Signaled(Signals.Kill, false), true, OomReach.SomeProcess, "stopped"),
        (new ProcessExit.Signaled(Signals.Kill, false), true, OomReach.WholeJob, "out-of-memory"),
    ];

    [Fact]
    public void Of_a_kill_for_want_of_memory_a_stop_and_an_exit_that_which_ended_the_main_process_is_told() => Assert.All(s_ends, row =>
        Assert.Equal(row.Reason, EndParts.Of(JobEnd.Decide(row.Exit, row.Stopped ? new EndCause.Stop("anna") : null, row.Reach)).Reason));
}
