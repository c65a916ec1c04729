using Google.Protobuf.WellKnownTypes;
using Runner.Jobs;

namespace Runner.Wire;

/// <summary>Usage, to and from the wire; what the kernel did not tell stays untold.</summary>
static class Usages
{
    public static V1.Usage ToWire(ResourceUsage usage)
    {
        var wire = new V1.Usage
        {
            CpuTotal = ToWire(usage.CpuTotal),
            CpuUser = ToWire(usage.CpuUser),
            CpuSystem = ToWire(usage.CpuSystem),
            Throttled = ToWire(usage.Throttled),
        };
        if (usage.Memory is { } memory) wire.MemoryBytes = memory;
        if (usage.MemoryPeak is { } peak) wire.MemoryPeakBytes = peak;
        if (usage.OomKills is { } kills) wire.OomKills = kills;
        if (usage.Pids is { } pids) wire.Pids = pids;
        if (usage.ReadBytes is { } read) wire.ReadBytes = read;
        if (usage.WrittenBytes is { } written) wire.WrittenBytes = written;
        return wire;
    }

    public static ResourceUsage FromWire(V1.Usage? wire) => wire is null
        ? ResourceUsage.None
        : new()
        {
            CpuTotal = wire.CpuTotal?.ToTimeSpan(),
            CpuUser = wire.CpuUser?.ToTimeSpan(),
            CpuSystem = wire.CpuSystem?.ToTimeSpan(),
            Throttled = wire.Throttled?.ToTimeSpan(),
            Memory = wire.HasMemoryBytes ? wire.MemoryBytes : null,
            MemoryPeak = wire.HasMemoryPeakBytes ? wire.MemoryPeakBytes : null,
            OomKills = wire.HasOomKills ? wire.OomKills : null,
            Pids = wire.HasPids ? wire.Pids : null,
            ReadBytes = wire.HasReadBytes ? wire.ReadBytes : null,
            WrittenBytes = wire.HasWrittenBytes ? wire.WrittenBytes : null,
        };

    private static Duration? ToWire(TimeSpan? span) => span is { } value ? Duration.FromTimeSpan(value) : null;
}
