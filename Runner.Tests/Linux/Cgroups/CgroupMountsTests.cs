using Runner.Linux.Cgroups;

namespace Runner.Tests.Linux.Cgroups;

public sealed class CgroupMountsTests
{
    [Fact]
    public void Pure_v2_is_one_mount()
    {
        var mounts = CgroupMounts.Parse("""
            22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
            30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
            """);
        Assert.Equal(new CgroupMount("/sys/fs/cgroup"), mounts.V2);
        Assert.Empty(mounts.V1);
    }

    [Fact]
    public void Hybrid_has_v2_beside_v1_controllers_that_may_share_a_mount()
    {
        var mounts = CgroupMounts.Parse("""
            33 32 0:29 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw,nsdelegate
            34 32 0:30 / /sys/fs/cgroup/systemd rw,nosuid shared:11 - cgroup cgroup rw,xattr,name=systemd
            37 32 0:33 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:15 - cgroup cgroup rw,cpu,cpuacct
            38 32 0:34 / /sys/fs/cgroup/memory ro,nosuid shared:16 - cgroup cgroup rw,memory
            """);
        Assert.Equal("/sys/fs/cgroup/unified", mounts.V2!.Path);
        Assert.Equal("/sys/fs/cgroup/cpu,cpuacct", mounts.V1["cpu"].Path);
        Assert.Equal("/sys/fs/cgroup/cpu,cpuacct", mounts.V1["cpuacct"].Path);
        Assert.True(mounts.V1["memory"].IsReadOnly);
        Assert.DoesNotContain("name=systemd", mounts.V1.Keys);
        Assert.DoesNotContain("xattr", mounts.V1.Keys.Where(name => name != "xattr"));
    }

    [Fact]
    public void The_whole_of_a_hierarchy_is_taken_before_a_part_of_it()
    {
        var mounts = CgroupMounts.Parse("""
            40 23 0:26 /docker/1 /mnt/part rw - cgroup2 cgroup2 rw
            41 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
            42 23 0:26 /docker/2 /mnt/other rw - cgroup2 cgroup2 rw
            """);
        Assert.Equal("/sys/fs/cgroup", mounts.V2!.Path);
    }

    [Fact]
    public void A_mount_point_with_a_space_is_read() =>
        Assert.Equal("/mnt/my cgroups\\x", CgroupMounts.Parse("""41 23 0:26 / /mnt/my\040cgroups\134x rw - cgroup2 cgroup2 rw""").V2!.Path);

    [Theory, InlineData(""), InlineData("nonsense"), InlineData("1 2 3 - cgroup2"), InlineData("\n\n - \n")]
    public void What_cannot_be_read_is_no_mount(string text) => Assert.Null(CgroupMounts.Parse(text).V2);
}
