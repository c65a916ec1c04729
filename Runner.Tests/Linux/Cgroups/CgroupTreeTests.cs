using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Tests.Support;

namespace Runner.Tests.Linux.Cgroups;

public sealed class CgroupTreeTests : IDisposable
{
    private readonly TestTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Fact]
    public void Every_controller_a_job_is_held_by_is_found_somewhere()
    {
        Assert.Empty(_tree.Tree.Missing);
        var names = _tree.Tree.Controllers.Select(controller => controller.Controller == "blkio" ? "io" : controller.Controller);
        Assert.Equal(["core", "cpu", "io", "memory", "pids"], names.Order());
    }

    [Fact]
    public void A_nested_tree_goes_with_the_directories_made_for_it()
    {
        var mount = CgroupMounts.OfThisProcess().V2!.Path;
        var tree = CgroupTree.Open($"{_tree.Name}/above/jobs");
        using (var job = tree.Create("one", new ResourceLimits(Pids: 3)))
            job.Remove();
        tree.Remove();
        Assert.False(Directory.Exists($"{mount}/{_tree.Name}/above"));
        Assert.True(Directory.Exists($"{mount}/{_tree.Name}"));
    }

    [Theory, InlineData(""), InlineData("/runner"), InlineData("runner/../.."), InlineData("a//b"), InlineData(".")]
    public void A_tree_cannot_be_elsewhere_than_below_the_mount(string name) =>
        Assert.Throws<CgroupsUnavailableException>(() => CgroupTree.Open(name));

    [Theory, InlineData(""), InlineData(".."), InlineData("a/b")]
    public void A_job_is_one_directory(string name) =>
        Assert.Throws<ArgumentException>(() => _tree.Tree.Create(name, ResourceLimits.None));

    [Fact]
    public void A_machine_without_cgroup_v2_is_told_in_one_sentence()
    {
        var none = new CgroupMounts(null, new Dictionary<string, CgroupMount>());
        var failure = Assert.Throws<CgroupsUnavailableException>(() => CgroupTree.Open("runner", none));
        Assert.StartsWith("no cgroup v2 hierarchy is mounted here", failure.Message, StringComparison.Ordinal);
        var readOnly = none with { V2 = new CgroupMount("/sys/fs/cgroup", IsReadOnly: true) };
        Assert.Contains("read-only", Assert.Throws<CgroupsUnavailableException>(() => CgroupTree.Open("runner", readOnly)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_limit_whose_controller_is_nowhere_refuses_the_job_and_leaves_nothing()
    {
        var bare = WithoutControllers();
        var tree = CgroupTree.Open("jobs", bare);
        var failure = Assert.Throws<JobException>(() => tree.Create("one", new ResourceLimits(MemoryBytes: 1 << 30)));
        Assert.Equal(JobError.LimitUnavailable, failure.Error);
        Assert.Equal("cgroup memory.max", failure.Step);
        Assert.Equal("cannot limit memory to 1073741824: no mounted cgroup hierarchy has the memory controller; see runner doctor", failure.Message);
        Assert.Empty(tree.Names());

        // What needs no controller works all the same.
        using var job = tree.Create("two", ResourceLimits.None);
        Assert.Empty(job.TaskFiles);
        Assert.NotNull(job.ReadUsage().CpuTotal);
        Assert.Null(job.ReadUsage().Memory);
    }

    [Fact]
    public void A_limit_the_kernel_does_not_take_refuses_the_job_and_leaves_nothing()
    {
        var failure = Assert.Throws<JobException>(() => _tree.Tree.Create("one", new ResourceLimits(Cpus: 1e12)));
        Assert.Equal(JobError.LimitUnavailable, failure.Error);
        Assert.Equal(22, failure.Errno);
        Assert.StartsWith("cannot limit cpus to 1000000000000: cpu.", failure.Message, StringComparison.Ordinal);
        Assert.Empty(_tree.Tree.Names());
    }

    [Fact]
    public void A_cgroup_is_never_used_twice()
    {
        using var job = _tree.Tree.Create("one", ResourceLimits.None);
        var failure = Assert.Throws<JobException>(() => _tree.Tree.Create("one", ResourceLimits.None));
        Assert.Equal(JobError.OsError, failure.Error);
        Assert.NotNull(_tree.Tree.Find("one"));
    }

    [Fact]
    public void What_a_former_server_left_is_killed_and_removed_with_all_that_is_nested_in_it()
    {
        var limits = new ResourceLimits(Cpus: 1, MemoryBytes: 64 << 20, Pids: 50);
        var names = new[] { "one", "two" };
        var shells = names.Select(name =>
        {
            var job = _tree.Tree.Create(name, limits);
            job.Dispose();
            return _tree.Run(job, string.Concat(_tree.Directories(name).Select(directory =>
                $"mkdir -p {directory}/a/b; (echo 0 > {directory}/a/b/cgroup.procs; echo ready; exec sleep 1000) &\n")) + "echo ready; exec sleep 1000");
        }).ToArray();
        foreach (var shell in shells)
            for (var i = 0; i <= _tree.Directories("one").Count(); i++)
                Assert.Equal("ready", shell.StandardOutput.ReadLine());

        var next = CgroupTree.Open(_tree.Name);
        Assert.Empty(next.CleanLeftovers(_ => false)); // what is not ours stays
        Assert.Equal(names, next.CleanLeftovers(_ => true).Order());
        Assert.Empty(next.Names());
        Assert.Empty(next.CleanLeftovers(_ => true));
        Assert.All(shells, shell => Assert.True(shell.WaitForExit(TimeSpan.FromSeconds(30))));
    }

    // As in a container: the "mount" is a cgroup below one that passes no controller on.
    private CgroupMounts WithoutControllers()
    {
        using var parent = _tree.Tree.Create("parent", ResourceLimits.None);
        var mount = Directory.CreateDirectory($"{_tree.Directories("parent").First()}/mount").FullName;
        return new CgroupMounts(new CgroupMount(mount), new Dictionary<string, CgroupMount>());
    }
}
