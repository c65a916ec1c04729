using Runner.Jobs;

namespace Runner.Wire;

/// <summary>Limits, to and from the wire.</summary>
static class LimitSets
{
    public static V1.Limits ToWire(ResourceLimits limits)
    {
        var wire = new V1.Limits();
        if (limits.Cpus is { } cpus) wire.Cpus = cpus;
        if (limits.MemoryBytes is { } memory) wire.MemoryBytes = memory;
        if (limits.Pids is { } pids) wire.Pids = pids;
        if (limits.CpuWeight is { } cpuWeight) wire.CpuWeight = cpuWeight;
        if (limits.SwapBytes is { } swap) wire.SwapBytes = swap;
        if (limits.MemoryHighBytes is { } high) wire.MemoryHighBytes = high;
        return wire;
    }

    public static ResourceLimits FromWire(V1.Limits? wire) => wire is null
        ? ResourceLimits.None
        : new(
            Cpus: wire.HasCpus ? wire.Cpus : null,
            MemoryBytes: wire.HasMemoryBytes ? wire.MemoryBytes : null,
            Pids: wire.HasPids ? wire.Pids : null,
            CpuWeight: wire.HasCpuWeight ? wire.CpuWeight : null,
            SwapBytes: wire.HasSwapBytes ? wire.SwapBytes : null,
            MemoryHighBytes: wire.HasMemoryHighBytes ? wire.MemoryHighBytes : null);
}
