using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Linux.Probes;

namespace Runner.Tests.Linux.Probes;

public sealed class ProbeTests
{
    [Theory]
    [InlineData("6.1.0-28-amd64\n", nameof(CapabilityState.Works))]
    [InlineData("5.19", nameof(CapabilityState.Works))]
    [InlineData("5.15.0-100-generic", nameof(CapabilityState.Limited))]
    [InlineData("5.10.0+", nameof(CapabilityState.Limited))]
    [InlineData("4.19.128-microsoft-standard", nameof(CapabilityState.Missing))]
    [InlineData("strange", nameof(CapabilityState.Limited))]
    public void A_kernel_is_judged_by_its_version(string release, string state) =>
        Assert.Equal(state, KernelProbes.Kernel(release).State.ToString());

    [Fact]
    public void This_kernel_starts_processes_in_cgroups_and_signals_them_safely()
    {
        Assert.Equal(CapabilityState.Works, KernelProbes.SpawnIntoCgroup().State);
        Assert.Equal(CapabilityState.Works, KernelProbes.Pidfd().State);
    }

    [Fact]
    public void Each_capability_that_lacks_is_a_finding_with_what_cannot_be_done()
    {
        var all = PrivilegeProbes.Capabilities("Name:\trunner\nUid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n").ToArray();
        Assert.All(all, finding => Assert.Equal(CapabilityState.Works, finding.State));
        var some = PrivilegeProbes.Capabilities("Uid:\t0\t0\t0\t0\nCapEff:\t000001fffeffffff\n").Where(finding => finding.State != CapabilityState.Works);
        Assert.Equal("CAP_SYS_RESOURCE", Assert.Single(some).Name);
        var none = PrivilegeProbes.Capabilities("Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n").ToArray();
        Assert.Equal(["user", "capabilities"], none.Select(finding => finding.Name));
        Assert.All(none, finding => Assert.Equal(CapabilityState.Limited, finding.State));
        Assert.Contains(PrivilegeProbes.Capabilities(""), finding => finding.State == CapabilityState.Missing);
    }

    [Theory]
    [InlineData("20000                20000", nameof(CapabilityState.Works))]
    [InlineData("1024                 4096 ", nameof(CapabilityState.Limited))]
    [InlineData("1024                 unlimited", nameof(CapabilityState.Works))]
    public void Open_files_are_judged_by_the_hard_limit(string numbers, string state) => Assert.Equal(
        state,
        PrivilegeProbes.OpenFiles($"Limit                     Soft Limit           Hard Limit           Units\nMax open files            {numbers}   files\n").State.ToString());

    [Fact]
    public void The_layout_is_named_with_its_places()
    {
        var v2 = new CgroupMount("/sys/fs/cgroup");
        var v1 = new Dictionary<string, CgroupMount> { ["memory"] = new("/sys/fs/cgroup/memory"), ["devices"] = new("/sys/fs/cgroup/devices") };
        var none = new Dictionary<string, CgroupMount>();
        Assert.Equal("pure v2 at /sys/fs/cgroup", CgroupProbes.Layout(new CgroupMounts(v2, none)).Detail);
        Assert.Equal("hybrid: v2 at /sys/fs/cgroup, v1 for memory at /sys/fs/cgroup/memory", CgroupProbes.Layout(new CgroupMounts(v2, v1)).Detail);
        Assert.StartsWith("v1 only (memory)", CgroupProbes.Layout(new CgroupMounts(null, v1)).Detail, StringComparison.Ordinal);
        Assert.Equal(CapabilityState.Missing, CgroupProbes.Layout(new CgroupMounts(null, none)).State);
        Assert.Contains("remount", CgroupProbes.Layout(new CgroupMounts(v2 with { IsReadOnly = true }, none)).Mend!, StringComparison.Ordinal);
    }
}
