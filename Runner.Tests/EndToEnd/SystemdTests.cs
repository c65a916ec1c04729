using System.Text.RegularExpressions;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>The unit of `packaging/` under real systemd, in a virtual machine with pure cgroup v2.</summary>
[Collection(Measured.Name)]
public sealed partial class SystemdTests
{
    [Fact]
    public async Task The_unit_starts_delegates_is_watched_and_stops_with_nothing_left()
    {
        var guest = await Guest.RunAsync("guest-systemd.sh", TimeSpan.FromMinutes(8), "--systemd", "--share", Repository.Root);
        Assert.Equal("active serving", guest.Line("started"));
        Assert.Empty(guest.Lines["environment"]);
        Assert.Equal(["0::/system.slice/runner.service/keeper", "0::/system.slice/runner.service/keeper"], guest.Lines["place"]);
        Assert.Contains(guest.Lines["doctor"], line => Delegated().IsMatch(line));
        foreach (var limit in new[] { "cpu limit", "cpu weight", "memory limit", "memory high", "swap limit", "pids limit", "io limit" })
            Assert.Contains(guest.Lines["doctor"], line => line.StartsWith($"works    {limit} ", StringComparison.Ordinal));

        Assert.Equal($"0::/system.slice/runner.service/jobs/{guest.Job("where").GetProperty("id").GetString()}", guest.Line("where"));
        var applied = guest.Job("where").GetProperty("applied");
        Assert.Equal((1, 37, 64 << 20, 5), (applied.GetProperty("cpus").GetInt32(), applied.GetProperty("cpu_weight").GetInt32(), applied.GetProperty("memory_bytes").GetInt32(), applied.GetProperty("pids").GetInt32()));
        Assert.True(guest.Job("where").GetProperty("usage").GetProperty("cpu_pressure").GetProperty("some_seconds").GetDouble() >= 0);
        Assert.Equal("out-of-memory", guest.Job("memory").GetProperty("end").GetProperty("reason").GetString());
        Assert.Empty(guest.Lines["memory"]);
        Assert.True(guest.Job("memory").GetProperty("usage").GetProperty("memory_pressure").GetProperty("some_seconds").GetDouble() > 0);

        Assert.Equal("active", guest.Line("replaced"));
        Assert.Equal(["before", "after"], guest.Lines["hung"]);
        Assert.Equal(("exited", 7), guest.EndOf("hung"));
        Assert.Equal("serving", guest.Line("reloaded"));
        Assert.Equal(["before", "after"], guest.Lines["reloaded-job"]);
        Assert.Equal(("exited", 5), guest.EndOf("reloaded"));
        Assert.Equal(["0", "0", "0"], guest.Lines["same-main"]);
        Assert.Equal("success", guest.Line("restarted"));
        Assert.Equal("lost", guest.Job("left").GetProperty("end").GetProperty("reason").GetString());

        Assert.Equal("inactive success", guest.Line("stopped"));
        Assert.Equal(["ready", "asked"], guest.Lines["polite"]);
        Assert.Equal(("stopped", 4), guest.EndOf("polite"));
        Assert.Equal("server", guest.Job("polite").GetProperty("end").GetProperty("by").GetString());

        Assert.Equal("inactive", guest.Line("left-behind"));
        Assert.Equal(["before", "after"], guest.Lines["patient"]);
        Assert.Equal(("exited", 6), guest.EndOf("patient"));
        Assert.Empty(guest.Lines["left"]);
        Assert.Equal(["the server has not answered for 5 s, so it is killed", "the server was killed by signal 9; its jobs go on, another one starts in 0.1 s"], guest.Lines["log"]);
    }

    [GeneratedRegex("^works    jobs' subtree +/sys/fs/cgroup/system.slice/[^/]+.service/jobs: systemd has delegated")]
    private static partial Regex Delegated();
}
