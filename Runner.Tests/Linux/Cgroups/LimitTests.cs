using System.Diagnostics;
using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Tests.Support;

namespace Runner.Tests.Linux.Cgroups;

public sealed class LimitTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly TestTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Fact]
    public void What_was_asked_for_is_what_the_kernel_holds()
    {
        var asked = new ResourceLimits(Cpus: 0.25, MemoryBytes: 64 << 20, Pids: 50, CpuWeight: 37);
        using var job = _tree.Create(asked);
        Assert.Equal(asked, job.Applied);
        using var found = _tree.Tree.Find(job.Name);
        Assert.Equal(asked, found!.Applied);
    }

    [Fact]
    public void Without_limits_none_is_applied()
    {
        using var job = _tree.Create(ResourceLimits.None);
        Assert.Equal(ResourceLimits.None, job.Applied);
        using var found = _tree.Tree.Find(job.Name);
        Assert.Equal(ResourceLimits.None, found!.Applied);
    }

    [Fact]
    public void Memory_is_held_to_whole_pages_below_what_was_asked()
    {
        using var job = _tree.Create(new ResourceLimits(MemoryBytes: (64 << 20) + 1));
        Assert.Equal(64 << 20, job.Applied.MemoryBytes);
    }

    [Theory, InlineData(0L, null), InlineData(4096L, 4096L), InlineData((16L << 20) + 1, 16L << 20)]
    public void Swap_is_held_to_whole_pages(long asked, long? held)
    {
        using var job = _tree.Create(new ResourceLimits(MemoryBytes: (64 << 20) + 4095, SwapBytes: asked));
        Assert.Equal(new ResourceLimits(MemoryBytes: 64 << 20, SwapBytes: held), job.Applied);
        using var found = _tree.Tree.Find(job.Name);
        Assert.Equal(job.Applied, found!.Applied);
    }

    [Fact]
    public void What_cgroup_v1_has_nothing_like_is_refused_there_and_held_in_v2()
    {
        var asked = new ResourceLimits(MemoryHighBytes: 32 << 20);
        var inV2 = File.ReadAllText($"{CgroupMounts.OfThisProcess().V2!.Path}/cgroup.controllers").Contains("memory", StringComparison.Ordinal);
        if (inV2)
        {
            using var job = _tree.Create(asked);
            Assert.Equal(asked, job.Applied);
            return;
        }
        var failure = Assert.Throws<JobException>(() => _tree.Create(asked));
        Assert.Equal((JobError.LimitUnavailable, "cgroup memory.high"), (failure.Error, failure.Step));
        Assert.StartsWith("cannot limit high memory to 33554432: the memory controller is in cgroup v1 here, which cannot", failure.Message, StringComparison.Ordinal);
        Assert.Empty(_tree.Tree.Names());
    }

    [Theory, InlineData(1), InlineData(100), InlineData(10_000)]
    public void A_weight_alone_is_held(long weight)
    {
        using var job = _tree.Create(new ResourceLimits(CpuWeight: weight));
        Assert.Equal(new ResourceLimits(CpuWeight: weight), job.Applied);
    }

    [Theory, InlineData(0.2), InlineData(0.01)]
    public void A_busy_loop_gets_its_share_of_a_core_and_no_more(double cpus)
    {
        using var job = _tree.Create(new ResourceLimits(Cpus: cpus));
        // Starting up alone takes more than a hundredth of a second, so the loop runs beside a clock outside the job.
        using var loop = _tree.Run(job, "echo ready; while :; do :; done");
        loop.StandardOutput.ReadLine();
        var start = Stopwatch.GetTimestamp();
        var before = job.ReadUsage();
        using var clock = Process.Start("sleep", "3");
        Assert.True(clock.WaitForExit(Limit));
        var after = job.ReadUsage();
        var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        job.Kill();
        var used = (after.CpuTotal - before.CpuTotal)!.Value.TotalSeconds;
        // Two periods may be touched at the ends, and a tick too much is taken back only later.
        Assert.InRange(used, 0, ((elapsed + 0.2) * cpus) + 0.03);
        Assert.True(after.Throttled > TimeSpan.Zero);
    }

    [Fact]
    public void Who_takes_more_memory_than_allowed_is_killed_and_counted()
    {
        using var job = _tree.Create(new ResourceLimits(MemoryBytes: 16 << 20));
        using var eater = _tree.Run(job, "exec tail /dev/zero"); // waits for an end of line in memory
        Assert.True(eater.WaitForExit(Limit));
        Assert.Equal(128 + 9, eater.ExitCode);
        var usage = job.ReadUsage();
        Assert.True(usage.OomKills >= 1, $"{usage}");
        if (usage.MemoryPeak is { } peak) // since Linux 5.19
            Assert.InRange(peak, 8 << 20, 16 << 20);
    }

    [Fact]
    public void No_more_processes_than_allowed_can_be_started()
    {
        using var job = _tree.Create(new ResourceLimits(Pids: 5));
        using var shell = _tree.Run(job, "for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 >/dev/null 2>&1 & done 2>/dev/null; echo done; wait");
        shell.StandardOutput.ReadLine();
        // A shell that cannot fork gives up at once; its children stay.
        Assert.InRange(job.Processes().Count, 4, 5);
        Assert.InRange(job.ReadUsage().Pids!.Value, 4, 5);
        job.Kill();
        Assert.True(job.WaitUntilEmpty(Limit));
    }

    [Fact]
    public void Accounts_tell_of_a_job_that_has_ended()
    {
        using var job = _tree.Create(ResourceLimits.None);
        using var shell = _tree.Run(job, "head -c 30000000 /dev/zero | tail -n 1 | wc -c");
        Assert.True(shell.WaitForExit(Limit));
        Assert.True(job.WaitUntilEmpty(Limit));
        var usage = job.ReadUsage();
        Assert.True(usage.CpuTotal > TimeSpan.Zero, $"{usage}");
        Assert.True(usage.MemoryPeak is null or > 20_000_000, $"{usage}");
        Assert.Equal(0, usage.OomKills);
        Assert.Equal(0, usage.Pids);
        Assert.NotNull(usage.WrittenBytes);
    }
}
