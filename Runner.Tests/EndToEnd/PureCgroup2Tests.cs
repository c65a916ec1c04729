using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>The same on a stock Debian kernel with cgroup v2 alone, in a virtual machine.</summary>
[Collection(Measured.Name)]
public sealed class PureCgroup2Tests
{
    [Fact]
    public async Task Limits_hold_and_jobs_die_whole_where_there_is_only_cgroup_v2()
    {
        var guest = await Guest.RunAsync("guest.sh", TimeSpan.FromMinutes(6));
        var lines = guest.Lines;

        Assert.Contains(lines["doctor"], line => line.StartsWith("works    cgroups ", StringComparison.Ordinal) && line.Contains("  pure v2 at /sys/fs/cgroup", StringComparison.Ordinal));
        Assert.InRange(Job.ShareOf(guest.Job("half")), 0.45, 0.55);
        Assert.InRange(Job.ShareOf(guest.Job("fifth")), 0.18, 0.22);
        Assert.Equal("out-of-memory", guest.Job("memory").GetProperty("end").GetProperty("reason").GetString());
        Assert.Empty(lines["memory"]);
        var (spared, used) = (guest.Job("spared").GetProperty("end"), guest.Job("spared").GetProperty("usage"));
        Assert.Equal(("exited", 5, 0), (spared.GetProperty("reason").GetString(), spared.GetProperty("code").GetInt32(), spared.GetProperty("leftover_processes").GetInt32()));
        Assert.True(used.GetProperty("oom_kills").GetInt64() > 0);
        Assert.True(used.GetProperty("pids_peak").GetInt64() >= 4); // Linux 6.1
        Assert.Empty(lines["spared"]);
        Assert.Equal(Enumerable.Range(1, 9).Select(number => $"{number}"), lines["pids"]);
        Assert.Contains("Cannot fork", guest.Line("pids-error"), StringComparison.Ordinal);
        Assert.Equal([$"0::/guest/{guest.Job("where").GetProperty("id").GetString()}"], lines["where"]);
        var applied = guest.Job("where").GetProperty("applied");
        Assert.Equal(37, applied.GetProperty("cpu_weight").GetInt64());
        Assert.Equal(8 << 20, applied.GetProperty("swap_bytes").GetInt64());
        Assert.Equal(48 << 20, applied.GetProperty("memory_high_bytes").GetInt64());
        Assert.Equal(2000, applied.GetProperty("io_weight").GetInt64()); // io.cost is in this kernel
        if (guest.HasJob("disk"))
        {
            var rates = guest.Job("disk").GetProperty("applied");
            Assert.Single(rates.GetProperty("devices").EnumerateArray());
            Assert.Equal((1 << 20, 1 << 20, 50), (rates.GetProperty("read_bps").GetInt64(), rates.GetProperty("write_bps").GetInt64(), rates.GetProperty("read_iops").GetInt64()));
        }
        Assert.Equal(["ended: stopped by admin (killed by SIGKILL)"], lines["stop"]);
        Assert.Equal(["0"], lines["server"]);
        Assert.Empty(lines["left"]);
        Assert.Empty(lines["log"]);
    }
}
