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
        if (limits.Io is { } io)
        {
            wire.Devices.Add(io.Devices);
            if (io.ReadBps is { } readBps) wire.ReadBps = readBps;
            if (io.WriteBps is { } writeBps) wire.WriteBps = writeBps;
            if (io.ReadIops is { } readIops) wire.ReadIops = readIops;
            if (io.WriteIops is { } writeIops) wire.WriteIops = writeIops;
        }
        if (limits.IoWeight is { } ioWeight) wire.IoWeight = ioWeight;
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
            MemoryHighBytes: wire.HasMemoryHighBytes ? wire.MemoryHighBytes : null,
            Io: Rates(wire),
            IoWeight: wire.HasIoWeight ? wire.IoWeight : null);

    private static IoRates? Rates(V1.Limits wire) =>
        wire.Devices.Count == 0 && !wire.HasReadBps && !wire.HasWriteBps && !wire.HasReadIops && !wire.HasWriteIops ? null : new(
            [.. wire.Devices],
            ReadBps: wire.HasReadBps ? wire.ReadBps : null,
            WriteBps: wire.HasWriteBps ? wire.WriteBps : null,
            ReadIops: wire.HasReadIops ? wire.ReadIops : null,
            WriteIops: wire.HasWriteIops ? wire.WriteIops : null);
}
