using System.Runtime.InteropServices;
using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Tests.Support;

namespace Runner.Tests.Linux.Cgroups;

public sealed partial class DelegationTests : IDisposable
{
    private readonly TestTree _tree = new();
    private readonly string _v2 = CgroupRoots.V2;

    // As on a machine without v1.
    private CgroupMounts Pure => new(new CgroupMount(_v2), new Dictionary<string, CgroupMount>());

    public void Dispose()
    {
        foreach (var directory in Directory.GetDirectories($"{_v2}/{_tree.Name}", "*", SearchOption.AllDirectories).OrderByDescending(path => path.Length))
            Directory.Delete(directory);
        _tree.Dispose();
    }

    [Theory, InlineData("user.delegate"), InlineData("trusted.delegate")]
    public void A_cgroup_that_is_marked_is_the_process_s_own_to_divide(string mark)
    {
        var unit = Unit("a.service", mark);
        Assert.Equal(new Delegation(unit, IsInside: true), Delegation.Find($"1:name=systemd:/\n0::/{unit}\n", Pure));
    }

    [Fact]
    public void A_leaf_of_a_unit_belongs_to_the_unit_but_another_unit_below_it_does_not()
    {
        var unit = Unit("user@0.service", "trusted.delegate");
        Assert.Equal(new Delegation(unit, IsInside: false), Delegation.Find($"0::/{unit}/keeper\n", Pure));
        Assert.Null(Delegation.Find($"0::/{unit}/b.service\n", Pure));
        Assert.Null(Delegation.Find($"0::/{unit}/init.scope\n", Pure));
        Assert.Null(Delegation.Find($"0::/{unit}/app.slice/b.service\n", Pure));
    }

    [Theory, InlineData("0::/\n"), InlineData("0::/../elsewhere\n"), InlineData("4:memory:/a.service\n"), InlineData("")]
    public void Elsewhere_nothing_is_delegated(string own) => Assert.Null(Delegation.Find(own, Pure));

    [Fact]
    public void Without_a_mark_or_beside_v1_controllers_nothing_is_delegated()
    {
        Directory.CreateDirectory($"{_v2}/{_tree.Name}/b.service");
        Assert.Null(Delegation.Find($"0::/{_tree.Name}/b.service\n", Pure));
        var unit = Unit("a.service", "trusted.delegate");
        Assert.Null(Delegation.Find($"0::/{unit}\n", Pure with { V1 = new Dictionary<string, CgroupMount> { ["memory"] = new("/memory") } }));
        Assert.NotNull(Delegation.Find($"0::/{unit}\n", Pure with { V1 = new Dictionary<string, CgroupMount> { ["net_cls"] = new("/net_cls") } }));
        Assert.Null(Delegation.Find($"0::/{unit}\n", new CgroupMounts(new CgroupMount(_v2, IsWhole: false), Pure.V1)));
    }

    [Fact]
    public void Jobs_are_in_the_delegated_cgroup_and_what_it_was_not_given_is_told()
    {
        var unit = Unit("a.service", "trusted.delegate");
        var tree = CgroupTree.Open(Delegation.Jobs, Pure, Delegation.Find($"0::/{unit}\n", Pure));
        Assert.Equal($"{_v2}/{unit}/jobs", tree.Path);
        using (var job = tree.Create("one", ResourceLimits.None)) job.Remove();
        var refusal = Assert.Throws<JobException>(() => tree.Create("two", new ResourceLimits(Pids: 5)));
        Assert.Contains($"the cgroup {unit}, which jobs are in, was not given the pids controller", refusal.Message, StringComparison.Ordinal);
        tree.Remove();
        Assert.True(Directory.Exists($"{_v2}/{unit}"));
        Assert.False(Directory.Exists($"{_v2}/{unit}/jobs"));
    }

    private string Unit(string name, string mark)
    {
        var unit = $"{_tree.Name}/{name}";
        Directory.CreateDirectory($"{_v2}/{unit}");
        Assert.Equal(0, SetExtendedAttribute($"{_v2}/{unit}", mark, "1"u8.ToArray(), 1, 0));
        return unit;
    }

    [LibraryImport("libc", EntryPoint = "setxattr", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetExtendedAttribute(string path, string name, byte[] value, nint size, int flags);
}
