using System.Text.Json;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>The same on a stock Debian kernel with cgroup v2 alone, in a virtual machine.</summary>
[Collection(Measured.Name)]
public sealed class PureCgroup2Tests
{
    [Fact]
    public async Task Limits_hold_and_jobs_die_whole_where_there_is_only_cgroup_v2()
    {
        var ran = await Vm.Run(TimeSpan.FromMinutes(3), "bash", Repository.At("Runner.Tests", "EndToEnd", "guest.sh"), RunnerBinary.Path);
        Assert.True(ran.ExitCode == 0, $"{ran.ExitCode}\n{ran.Output}\n{ran.Error}");
        var lines = ran.Output.TrimEnd('\n').Split('\n').ToLookup(line => line.Split(' ')[0], line => line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
        var jobs = ran.Output.Split('\n').Where(line => line.StartsWith('{')).Select(line => JsonDocument.Parse(line).RootElement)
            .ToDictionary(job => job.GetProperty("name").GetString()!);

        Assert.Contains(lines["doctor"], line => line.StartsWith("works    cgroups ", StringComparison.Ordinal) && line.Contains("  pure v2 at /sys/fs/cgroup", StringComparison.Ordinal));
        Assert.InRange(Job.ShareOf(jobs["half"]), 0.45, 0.55);
        Assert.InRange(Job.ShareOf(jobs["fifth"]), 0.18, 0.22);
        Assert.Equal("out-of-memory", jobs["memory"].GetProperty("end").GetProperty("reason").GetString());
        Assert.Empty(lines["memory"]);
        var (spared, used) = (jobs["spared"].GetProperty("end"), jobs["spared"].GetProperty("usage"));
        Assert.Equal(("exited", 5, 0), (spared.GetProperty("reason").GetString(), spared.GetProperty("code").GetInt32(), spared.GetProperty("leftover_processes").GetInt32()));
        Assert.True(used.GetProperty("oom_kills").GetInt64() > 0);
        Assert.True(used.GetProperty("pids_peak").GetInt64() >= 4); // Linux 6.1
        Assert.Empty(lines["spared"]);
        Assert.Equal(Enumerable.Range(1, 9).Select(number => $"{number}"), lines["pids"]);
        Assert.Contains("Cannot fork", Assert.Single(lines["pids-error"]), StringComparison.Ordinal);
        Assert.Equal([$"0::/guest/{jobs["where"].GetProperty("id").GetString()}"], lines["where"]);
        var applied = jobs["where"].GetProperty("applied");
        Assert.Equal(37, applied.GetProperty("cpu_weight").GetInt64());
        Assert.Equal(8 << 20, applied.GetProperty("swap_bytes").GetInt64());
        Assert.Equal(48 << 20, applied.GetProperty("memory_high_bytes").GetInt64());
        Assert.Equal(2000, applied.GetProperty("io_weight").GetInt64()); // io.cost is in this kernel
        if (jobs.TryGetValue("disk", out var disk))
        {
            var rates = disk.GetProperty("applied");
            Assert.Single(rates.GetProperty("devices").EnumerateArray());
            Assert.Equal((1 << 20, 1 << 20, 50), (rates.GetProperty("read_bps").GetInt64(), rates.GetProperty("write_bps").GetInt64(), rates.GetProperty("read_iops").GetInt64()));
        }
        Assert.Equal(["ended: stopped by admin (killed by SIGKILL)"], lines["stop"]);
        Assert.Equal(["0"], lines["server"]);
        Assert.Empty(lines["left"]);
        Assert.Empty(lines["log"]);
    }
}
