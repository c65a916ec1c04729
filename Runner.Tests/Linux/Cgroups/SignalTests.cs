using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Linux.Native;
using Runner.Tests.Support;

namespace Runner.Tests.Linux.Cgroups;

public sealed class SignalTests : IDisposable
{
    private const int Kill = 9, Terminate = 15;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly TestTree _tree = new();

    // A child, a grandchild in a session of its own, and one in a nested cgroup; each says when it is there.
    private const string Family = """
        setsid sh -c 'setsid sh -c "echo ready; exec sleep 1000" & echo ready; exec sleep 1000' &
        mkdir $DIR/nested; (echo 0 > $DIR/nested/cgroup.procs; echo ready; exec sleep 1000) &
        echo ready; exec sleep 1000
        """;

    public void Dispose() => _tree.Dispose();

    [Fact]
    public void A_signal_reaches_every_process_whatever_its_session_or_cgroup()
    {
        using var job = StartFamily();
        Assert.Equal(4, job.Processes().Count);
        job.Signal(Terminate);
        Assert.True(job.WaitUntilEmpty(Limit));
        job.Remove();
        Assert.Empty(_tree.Directories(job.Name));
    }

    [Fact]
    public void A_kill_takes_all_of_them()
    {
        using var job = StartFamily();
        job.Kill();
        Assert.True(job.WaitUntilEmpty(Limit));
        Assert.False(job.IsPopulated());
        Assert.False(job.ReadEvents());
    }

    [Fact]
    public void A_kernel_without_cgroup_kill_kills_all_the_same()
    {
        using var job = StartFamily();
        CgroupSignal.Send(new CgroupDirectory(_tree.Directories(job.Name).First()), Kill);
        Assert.True(job.WaitUntilEmpty(Limit));
    }

    [Fact]
    public void What_a_handler_starts_in_answer_is_left_alone()
    {
        using var job = _tree.Create(ResourceLimits.None);
        using var shell = _tree.Run(job, "trap 'sh -c \"sleep 0.2; echo cleaned up\"; exit 3' TERM; echo ready; while :; do :; done");
        shell.StandardOutput.ReadLine();
        job.Signal(Terminate);
        Assert.Equal("cleaned up", shell.StandardOutput.ReadLine());
        Assert.True(shell.WaitForExit(Limit));
        Assert.Equal(3, shell.ExitCode);
    }

    [Fact]
    public void Who_is_spared_lives_on()
    {
        using var job = StartFamily();
        var spared = job.Processes()[1];
        CgroupSignal.Send(new CgroupDirectory(_tree.Directories(job.Name).First()), Kill, isSpared: pid => pid == spared);
        foreach (var pid in job.Processes().Where(pid => pid != spared))
            Assert.True(new CgroupWait(Limit).UntilEnded([pid]));
        Assert.True(Support.Processes.IsAlive(spared));
        job.Kill();
        Assert.True(job.WaitUntilEmpty(Limit));
    }

    [Fact]
    public void Nobody_is_spared_who_is_not_made_so() => Assert.False(OomSpared.Is(Environment.ProcessId));

    [Fact]
    public void A_paused_job_stays_paused_and_handles_the_signal_when_it_goes_on()
    {
        using var job = _tree.Create(ResourceLimits.None);
        using var shell = _tree.Run(job, "trap 'echo handled; exit' TERM; echo ready; while :; do :; done");
        shell.StandardOutput.ReadLine();
        var directory = new CgroupDirectory(_tree.Directories(job.Name).First());
        directory.Write("cgroup.freeze", "1");
        Assert.True(new CgroupWait(Limit).UntilEvent(directory, "frozen", 1));
        job.Signal(Terminate);
        Assert.Equal("1\n", directory.Read("cgroup.freeze"));
        Assert.True(job.IsPopulated());
        directory.Write("cgroup.freeze", "0");
        Assert.Equal("handled", shell.StandardOutput.ReadLine());
    }

    [Fact]
    public void A_job_that_forks_all_the_time_gets_the_signal_too()
    {
        using var job = _tree.Create(new ResourceLimits(Pids: 100));
        using var shell = _tree.Run(job, "echo ready; f() { (f) & (f) & wait; }; f 2>/dev/null");
        shell.StandardOutput.ReadLine();
        job.Signal(Terminate);
        Assert.True(job.WaitUntilEmpty(Limit));
    }

    [Fact]
    public void A_job_with_a_living_process_is_not_removed()
    {
        using var job = _tree.Create(ResourceLimits.None);
        using var shell = _tree.Run(job, "echo ready; exec sleep 1000");
        shell.StandardOutput.ReadLine();
        Assert.Equal(Errno.EBUSY, Assert.Throws<LinuxException>(job.Remove).Errno);
        Assert.True(job.IsPopulated());
    }

    [Fact]
    public void A_signal_to_a_job_that_is_over_does_nothing()
    {
        using var job = _tree.Create(ResourceLimits.None);
        job.Signal(Terminate);
        job.Remove();
        job.Signal(Terminate);
        job.Kill();
        Assert.False(job.IsPopulated());
        Assert.Empty(job.Processes());
    }

    private JobCgroup StartFamily()
    {
        var job = _tree.Create(ResourceLimits.None);
        var shell = _tree.Run(job, $"DIR={_tree.Directories(job.Name).First()}\n{Family}");
        for (var i = 0; i < 4; i++)
            Assert.Equal("ready", shell.StandardOutput.ReadLine());
        return job;
    }
}
