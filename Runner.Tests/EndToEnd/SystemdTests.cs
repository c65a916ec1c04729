using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>The unit of `packaging/` under real systemd, in a virtual machine with pure cgroup v2.</summary>
[Collection(Measured.Name)]
public sealed class SystemdTests
{
    [Fact]
    public async Task The_unit_starts_delegates_is_watched_and_stops_with_nothing_left()
    {
        var guest = await Guest.RunAsync("guest-systemd.sh", TimeSpan.FromMinutes(4), "--systemd", "--share", Repository.Root);
        Assert.Equal("active serving", guest.Line("started"));
        Assert.Equal(["0::/system.slice/runner.service/keeper", "0::/system.slice/runner.service/keeper"], guest.Lines["place"]);
        Assert.Equal([$"0::/system.slice/runner.service/jobs/{guest.Job("where").GetProperty("id").GetString()}"], guest.Lines["where"]);
    }
}
