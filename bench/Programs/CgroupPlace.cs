using Runner.Linux.Cgroups;

namespace Runner.Bench.Programs;

/// <summary>A subtree of this machine's cgroups for one figure; whatever is left in it is killed and removed.</summary>
sealed class CgroupPlace : IDisposable
{
    public string Name { get; } = $"runner-bench-{Guid.NewGuid():N}";

    public void Dispose()
    {
        // A server that ended well has removed it: then this makes it and removes it again.
        var tree = CgroupTree.Open(Name);
        tree.CleanLeftovers(_ => true);
        tree.Remove();
    }
}
