using Runner.Jobs;
using Runner.Linux.Processes;

namespace Runner.Linux.Probes;

/// <summary>What the disk can do for jobs' output.</summary>
static class OutputProbes
{
    /// <param name="folder">Where output is kept; if it is not there yet, where it would be made.</param>
    public static Capability KeepTail(string folder)
    {
        const string Name = "output keep-tail";
        while (!Directory.Exists(folder) && Path.GetDirectoryName(folder) is { } parent) folder = parent;
        return FileHead.WorksIn(folder)
            ? new(Name, CapabilityState.Works, $"the file system of {folder} gives back a file's oldest bytes")
            : new(Name, CapabilityState.Limited, $"the file system of {folder} does not give back a part of a file: output limits keep the head", "serve --state-dir on ext4, XFS, btrfs or tmpfs");
    }
}
