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
        if (FileSystemRoom.Of(folder).IsReadOnly) return new Capability(Name, CapabilityState.Missing, $"{folder}: its file system is read-only", "mount it to be written to, or serve with another --state-dir");
        if (Failure(folder) is { } failure) return new Capability(Name, CapabilityState.Missing, $"it does not take what is written: {failure.Message}", "see dmesg for what the disk says; jobs wait until it takes more");
        var space = new StateDisk(folder).Look();
        if (space.Bytes == 0) return new Capability(Name, CapabilityState.Limited, $"{folder}: its file system does not tell how much room it has");
        return space.IsLow
            ? new Capability(Name, CapabilityState.Limited, $"{folder}: {space.Words} for the ends of jobs, so none is started", "make room there, as with runner prune --older-than 7d, or serve with a smaller --disk-reserve")
            : new Capability(Name, CapabilityState.Works, $"{folder}: {space.Words} for the ends of jobs");
    }

    /// <summary>Whether a byte can be brought to the disk; null: it can, or only the room or the right to try is wanting.</summary>
    private static unsafe LinuxException? Failure(string folder)
    {
        const uint OwnerOnly = 0x180; // 0600
        var path = Path.Combine(folder, $".runner-doctor-{Environment.ProcessId}");
        using var trial = Libc.Open(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.CloseOnExec, OwnerOnly);
        try
        {
            byte one = 1;
            var failure = trial.IsInvalid ? LinuxException.Last("open", path)
                : Libc.WriteAt(trial, &one, 1, 0) != 1 ? LinuxException.Last("pwrite", path)
                : Libc.Sync(trial) != 0 ? LinuxException.Last("fsync", path)
                : null;
            return failure is { Errno: Errno.EACCES or Errno.EPERM or Errno.ENOSPC or Errno.EDQUOT } ? null : failure;
        }
        finally
        {
            if (!trial.IsInvalid) File.Delete(path);
        }
    }
}
