using Runner.Jobs;
using Runner.Linux;
using Runner.Linux.Cgroups;
using Runner.Tests.Support;

namespace Runner.Tests.Linux;

public sealed class MachineReportTests : IDisposable
{
    private readonly TestTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Fact]
    public void This_machine_holds_jobs_to_their_limits()
    {
        var report = MachineReport.Make($"{_tree.Name}/doctor");
        foreach (var name in (string[])["cgroups", "cpu limit", "memory limit", "swap limit", "pids limit", "cgroup.kill", "spawn into cgroup", "pidfd", "output keep-tail"])
            Assert.Equal(CapabilityState.Works, Assert.Single(report, finding => finding.Name == name).State);
        Assert.DoesNotContain(report, finding => finding.Detail.StartsWith("could not be looked at", StringComparison.Ordinal));
        Assert.Equal(report.Count, report.Select(finding => finding.Name).Distinct().Count());
        Assert.Empty(_tree.Tree.Names());
    }

    [Fact]
    public void Io_limits_say_which_writes_they_miss()
    {
        var io = Assert.Single(MachineReport.Make($"{_tree.Name}/doctor"), finding => finding.Name == "io limit");
        if (_tree.Tree.Controllers.Any(controller => controller.Controller == "blkio"))
            Assert.Contains("direct IO", io.Detail, StringComparison.Ordinal);
        else
            Assert.Equal(CapabilityState.Works, io.State);
    }

    [Fact]
    public void Where_a_controller_is_nowhere_the_limit_is_missing_and_how_to_mend_it_is_told()
    {
        using var parent = _tree.Create(ResourceLimits.None);
        var mount = Directory.CreateDirectory($"{_tree.Directories(parent.Name).First()}/mount").FullName;
        var mounts = new CgroupMounts(new CgroupMount(mount), new Dictionary<string, CgroupMount>());
        var report = MachineReport.Make("doctor", mounts);
        foreach (var name in (string[])["cpu limit", "memory limit", "pids limit", "io limit"])
        {
            var finding = Assert.Single(report, finding => finding.Name == name);
            Assert.Equal(CapabilityState.Missing, finding.State);
            Assert.NotNull(finding.Mend);
        }
        Assert.False(Directory.Exists($"{mount}/doctor"));
    }

    [Fact]
    public void Nothing_it_cannot_look_at_stops_it()
    {
        var nothing = new CgroupMounts(null, new Dictionary<string, CgroupMount>());
        var report = MachineReport.Make("doctor", nothing, proc: "/nowhere");
        Assert.Equal(CapabilityState.Missing, Assert.Single(report, finding => finding.Name == "kernel").State);
        Assert.Equal(CapabilityState.Missing, Assert.Single(report, finding => finding.Name == "limits").State);
        Assert.Equal(CapabilityState.Works, Assert.Single(report, finding => finding.Name == "pidfd").State);
    }
}
