using Runner.Jobs;

namespace Runner.Linux.Cgroups.V1;

/// <summary>Memory by <c>memory.limit_in_bytes</c>, without swap as a way out.</summary>
sealed class MemoryV1() : Controller("memory")
{
    public override IEnumerable<LimitFile> ToFiles(ResourceLimits limits)
    {
        if (limits.MemoryBytes is not { } bytes)
            yield break;
        var value = KernelText.Number(bytes);
        yield return new LimitFile("memory.limit_in_bytes", value, "memory", value);
        // Memory and swap together may not be under memory alone, so it comes second; absent with swapaccount=0.
        yield return new LimitFile("memory.memsw.limit_in_bytes", value, "memory", value, IfPresent: true);
        // Nothing of this cgroup is swapped out (v1 memory.rst 5.3): the same as memory.swap.max=0 in v2.
        yield return new LimitFile("memory.swappiness", "0", "memory", value, IfPresent: true);
    }

    // "No limit" reads as the greatest number of whole pages.
    public override ResourceLimits FromFiles(Func<string, string?> read, ResourceLimits limits) =>
        limits with
        {
            MemoryBytes = KernelText.ReadNumber(read("memory.limit_in_bytes")) is { } bytes and <= ResourceLimits.MostMemory ? bytes : null,
        };

    public override ResourceUsage ReadUsage(Func<string, string?> read, ResourceUsage usage) => usage with
    {
        Memory = KernelText.ReadNumber(read("memory.usage_in_bytes")),
        MemoryPeak = KernelText.ReadNumber(read("memory.max_usage_in_bytes")),
        OomKills = KernelText.ReadKey(read("memory.oom_control"), "oom_kill"), // Linux 4.13
    };
}
