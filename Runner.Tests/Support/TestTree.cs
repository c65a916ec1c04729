using System.Diagnostics;
using Runner.Jobs;
using Runner.Linux.Cgroups;

namespace Runner.Tests.Support;

/// <summary>A subtree of this machine's cgroups for one test; at the end nothing of it is left, whatever the test did.</summary>
sealed class TestTree : IDisposable
{
    public string Name { get; } = $"runner-test-{Guid.NewGuid():N}";

    public CgroupTree Tree { get; }

    public TestTree() => Tree = CgroupTree.Open(Name);

    public JobCgroup Create(ResourceLimits limits) => Tree.Create(Guid.NewGuid().ToString(), limits);

    /// <summary>The directories of a job, one in each hierarchy.</summary>
    public IEnumerable<string> Directories(string job) =>
        Tree.Controllers.Select(controller => $"{controller.Path}/{job}").Distinct().Where(Directory.Exists);

    /// <summary>Runs a shell script in a job's cgroup, from its first line on.</summary>
    public Process Run(JobCgroup job, string script)
    {
        var enter = string.Concat(Directories(job.Name).Select(directory => $"echo $$ > {directory}/cgroup.procs\n"));
        var start = new ProcessStartInfo("/bin/sh", ["-c", enter + script]) { RedirectStandardOutput = true };
        return Process.Start(start)!;
    }

    public void Dispose()
    {
        Tree.CleanLeftovers(_ => true);
        Tree.Remove();
    }
}
