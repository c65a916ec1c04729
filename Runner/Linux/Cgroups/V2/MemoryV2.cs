using Runner.Jobs;

namespace Runner.Linux.Cgroups.V2;

/// <summary>Memory by <c>memory.max</c>, with no more swap as a way out than was asked for; a job out of memory dies as a whole.</summary>
sealed class MemoryV2() : Controller("memory")
{
    public override IEnumerable<LimitFile> ToFiles(ResourceLimits limits)
    {
        if (limits.MemoryHighBytes is { } high)
            yield return new LimitFile("memory.high", KernelText.Number(high), "high memory", KernelText.Number(high));
        if (limits.MemoryBytes is not { } bytes)
            yield break;
        var value = KernelText.Number(bytes);
        yield return new LimitFile("memory.max", value, "memory", value);
        // Absent in a kernel without swap or booted with swapaccount=0.
        yield return limits.SwapBytes is { } swap
            ? new LimitFile("memory.swap.max", KernelText.Number(swap), "swap", KernelText.Number(swap))
            : new LimitFile("memory.swap.max", "0", "memory", value, IfPresent: true);
        // Linux 4.19. Half a job that lost one process to the OOM killer is of no use to anybody.
        yield return new LimitFile("memory.oom.group", "1", "memory", value, IfPresent: true);
    }

    public override ResourceLimits FromFiles(Func<string, string?> read, ResourceLimits limits) =>
        limits with
        {
            MemoryBytes = KernelText.ReadNumber(read("memory.max")),
            SwapBytes = KernelText.ReadNumber(read("memory.swap.max")) is { } swap and > 0 ? swap : null,
            MemoryHighBytes = KernelText.ReadNumber(read("memory.high")),
        };

    public override ResourceUsage ReadUsage(Func<string, string?> read, ResourceUsage usage) => usage with
    {
        Memory = KernelText.ReadNumber(read("memory.current")),
        MemoryPeak = KernelText.ReadNumber(read("memory.peak")), // Linux 5.19
        OomKills = KernelText.ReadKey(read("memory.events"), "oom_kill"),
    };
}
