using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Linux.Probes;

/// <summary>The disk that a server would keep records and output on.</summary>
static class DiskProbes
{
    /// <param name="folder">The state directory; while it is not there, its nearest parent that is counts.</param>
    public static Capability State(string folder)
    {
        const string Name = "state disk";
        while (!Directory.Exists(folder) && Path.GetDirectoryName(folder) is { } parent) folder = parent;
        var space = new StateDisk(folder).Look();
        if (space.Bytes == 0) return new Capability(Name, CapabilityState.Limited, $"{folder}: its file system does not tell how much room it has");
        return space.IsLow
            ? new Capability(Name, CapabilityState.Limited, $"{folder}: {space.Words} for the ends of jobs, so none is started", "make room there, as with runner prune --older-than 7d, or serve with a smaller --disk-reserve")
            : new Capability(Name, CapabilityState.Works, $"{folder}: {space.Words} for the ends of jobs");
    }
}
