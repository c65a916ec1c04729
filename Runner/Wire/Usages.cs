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
            CpuPressure = ToWire(usage.CpuPressure),
            MemoryPressure = ToWire(usage.MemoryPressure),
            IoPressure = ToWire(usage.IoPressure),
        };
        if (usage.Memory is { } memory) wire.MemoryBytes = memory;
        if (usage.MemoryPeak is { } peak) wire.MemoryPeakBytes = peak;
        if (usage.OomKills is { } kills) wire.OomKills = kills;
        if (usage.Pids is { } pids) wire.Pids = pids;
        if (usage.ReadBytes is { } read) wire.ReadBytes = read;
        if (usage.WrittenBytes is { } written) wire.WrittenBytes = written;
        if (usage.ReadOperations is { } reads) wire.ReadOperations = reads;
        if (usage.WrittenOperations is { } writes) wire.WrittenOperations = writes;
        if (usage.PidsPeak is { } pidsPeak) wire.PidsPeak = pidsPeak;
        if (usage.VoluntarySwitches is { } voluntary) wire.VoluntarySwitches = voluntary;
        if (usage.InvoluntarySwitches is { } involuntary) wire.InvoluntarySwitches = involuntary;
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
            ReadOperations = wire.HasReadOperations ? wire.ReadOperations : null,
            WrittenOperations = wire.HasWrittenOperations ? wire.WrittenOperations : null,
            PidsPeak = wire.HasPidsPeak ? wire.PidsPeak : null,
            VoluntarySwitches = wire.HasVoluntarySwitches ? wire.VoluntarySwitches : null,
            InvoluntarySwitches = wire.HasInvoluntarySwitches ? wire.InvoluntarySwitches : null,
            CpuPressure = FromWire(wire.CpuPressure),
            MemoryPressure = FromWire(wire.MemoryPressure),
            IoPressure = FromWire(wire.IoPressure),
        };

    private static V1.Pressure? ToWire(Pressure? pressure) =>
        pressure is null ? null : new() { Some = ToWire(pressure.Some), Full = ToWire(pressure.Full) };

    private static Pressure? FromWire(V1.Pressure? wire) => wire is null ? null : new(wire.Some?.ToTimeSpan(), wire.Full?.ToTimeSpan());

    private static Duration? ToWire(TimeSpan? span) => span is { } value ? Duration.FromTimeSpan(value) : null;
}
