using Runner.Linux.Cgroups;

namespace Runner.Tests.Support;

/// <summary>Where this machine's hierarchies are mounted.</summary>
static class CgroupRoots
{
    public static string V2 { get; } = CgroupMounts.OfThisProcess().V2!.Path;
}
