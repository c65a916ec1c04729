using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>What only root with every capability can do, on a machine with the v1 controllers, in a virtual machine.</summary>
[Collection(Measured.Name)]
public sealed class HybridCgroupTests
{
    [Fact]
    public async Task On_cgroup_v1_too_who_is_exempt_from_OOM_kills_survives_the_others_and_ends_by_itself()
    {
        var guest = await Guest.RunAsync("guest-v1.sh", TimeSpan.FromMinutes(6));
        Assert.Equal("5", guest.Line("code"));
        Assert.Equal(("exited", 5), guest.EndOf("spared"));
        Assert.Empty(guest.Lines["spared"]);
        Assert.Equal("0", guest.Line("server"));
        Assert.Empty(guest.Lines["left"]);
        Assert.Empty(guest.Lines["log"]);
        Assert.True(guest.Job("spared").GetProperty("usage").GetProperty("oom_kills").GetInt64() > 0);
    }
}
