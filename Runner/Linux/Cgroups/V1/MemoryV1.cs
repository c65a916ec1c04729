using Runner.Jobs;

namespace Runner.Linux.Cgroups.V1;

/// <summary>Memory by <c>memory.limit_in_bytes</c>, with no more swap as a way out than was asked for.</summary>
sealed class MemoryV1() : Controller("memory")
{
    public override IEnumerable<LimitFile> ToFiles(ResourceLimits limits)
    {
        // memory.soft_limit_in_bytes is no substitute: it counts only while the whole machine is short of memory.
        if (limits.MemoryHighBytes is { } high)
            yield return new LimitFile(
                "memory.high", KernelText.Number(high), "high memory", KernelText.Number(high),
                Never: "the memory controller is in cgroup v1 here, which cannot slow a job down instead of killing it");
        if (limits.MemoryBytes is not { } bytes)
            yield break;
        var value = KernelText.Number(bytes);
        yield return new LimitFile("memory.limit_in_bytes", value, "memory", value);
        if (limits.SwapBytes is { } swap)
        {
            // Each file is rounded down to whole pages, which must not give to swap what memory lost.
            var both = bytes - (bytes % Environment.SystemPageSize) + swap;
            yield return new LimitFile("memory.memsw.limit_in_bytes", KernelText.Number(both), "swap", KernelText.Number(swap));
            yield break;
        }
        // Memory and swap together may not be under memory alone, so it comes second; absent with swapaccount=0.
        yield return new LimitFile("memory.memsw.limit_in_bytes", value, "memory", value, IfPresent: true);
        // Nothing of this cgroup is swapped out (v1 memory.rst 5.3): the same as memory.swap.max=0 in v2.
        yield return new LimitFile("memory.swappiness", "0", "memory", value, IfPresent: true);
    }

    // "No limit" reads as the greatest number of whole pages.
    public override ResourceLimits FromFiles(Func<string, string?> read, ResourceLimits limits) =>
        limits with
        {
            MemoryBytes = ReadBytes(read("memory.limit_in_bytes")),
            SwapBytes = ReadBytes(read("memory.limit_in_bytes")) is { } memory
                && ReadBytes(read("memory.memsw.limit_in_bytes")) is { } both && both > memory ? both - memory : null,
        };

    // Memory and swap may be as much as each may be.
    private static long? ReadBytes(string? text) =>
        KernelText.ReadNumber(text) is { } bytes and <= 2 * ResourceLimits.MostMemory ? bytes : null;

    public override ResourceUsage ReadUsage(Func<string, string?> read, ResourceUsage usage) => usage with
    {
        Memory = KernelText.ReadNumber(read("memory.usage_in_bytes")),
        MemoryPeak = KernelText.ReadNumber(read("memory.max_usage_in_bytes")),
        OomKills = KernelText.ReadKey(read("memory.oom_control"), "oom_kill"), // Linux 4.13
    };
}
