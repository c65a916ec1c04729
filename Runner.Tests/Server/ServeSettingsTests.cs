using Runner.Server;

namespace Runner.Tests.Server;

public sealed class ServeSettingsTests
{
    [Fact]
    public void Each_state_directory_has_a_cgroup_subtree_of_its_own_and_always_the_same()
    {
        Assert.Equal("runner", ServeSettings.CgroupNameFor("/var/lib/runner"));
        Assert.Matches("^runner-[0-9a-f]{12}$", ServeSettings.CgroupNameFor("/srv/a"));
        Assert.Equal(ServeSettings.CgroupNameFor("/srv/a"), ServeSettings.CgroupNameFor("/srv/a"));
        Assert.NotEqual(ServeSettings.CgroupNameFor("/srv/a"), ServeSettings.CgroupNameFor("/srv/b"));
    }
}
