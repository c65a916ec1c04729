using Runner.Linux.Native;

namespace Runner.Linux.Cgroups;

/// <summary>
/// The cgroup that a service manager gave this process to divide as it likes (`Delegate=`, systemd's CGROUP_DELEGATION):
/// the jobs' subtree belongs in it, the process itself in a leaf beside that, and nothing above it is ours.
/// </summary>
/// <param name="Path">Where it is below the mount of cgroup v2: "system.slice/runner.service".</param>
/// <param name="IsInside">This process is in that cgroup itself, where the kernel allows none beside controllers that are passed on.</param>
sealed record Delegation(string Path, bool IsInside)
{
    /// <summary>The subtree for jobs in it.</summary>
    public const string Jobs = "jobs";

    // Where the keeper and the server are. A process that is in a leaf already, by DelegateSubgroup= (systemd 254), stays there.
    private const string Leaf = "keeper";

    // systemd marks what it has delegated by an extended attribute: for root since 236, for all since 251.
    private static readonly string[] s_marks = ["trusted.delegate", "user.delegate"];

    private static readonly string[] s_units = [".service", ".scope", ".slice"];

    /// <summary>What this process was given. Null: nothing, or not all that jobs need: v1 controllers are not delegated.</summary>
    public static Delegation? OfThisProcess(CgroupMounts mounts) => Find(File.ReadAllText("/proc/self/cgroup"), mounts);

    /// <param name="ownCgroups">A process's cgroups, in the form of /proc/PID/cgroup (cgroups(7)).</param>
    /// <param name="mounts">Where they are mounted.</param>
    public static Delegation? Find(string ownCgroups, CgroupMounts mounts)
    {
        if (mounts.V2 is not { IsWhole: true } mount || mounts.JobsInV1.Any()) return null;
        var own = ownCgroups.Split('\n').FirstOrDefault(line => line.StartsWith("0::/", StringComparison.Ordinal))?["0::/".Length..];
        if (own is null or "" || own.StartsWith("../", StringComparison.Ordinal)) return null; // of another namespace
        if (IsMarked($"{mount.Path}/{own}")) return new(own, IsInside: true);

        // Below a cgroup that was given to a unit, and no unit itself: a leaf of that unit's.
        return System.IO.Path.GetDirectoryName(own) is { Length: > 0 } parent && !s_units.Any(own.EndsWith) && IsMarked($"{mount.Path}/{parent}")
            ? new(parent, IsInside: false)
            : null;
    }

    /// <summary>Moves this process into a leaf, so that controllers can be passed on to the jobs beside it (no internal processes, cgroup-v2.rst).</summary>
    /// <exception cref="CgroupsUnavailableException">It cannot be moved.</exception>
    public void Leave(CgroupMounts mounts)
    {
        if (!IsInside) return;
        var leaf = new CgroupDirectory($"{mounts.V2!.Path}/{Path}/{Leaf}");
        var errno = leaf.Make();
        if (errno is Errno.None or Errno.EEXIST) errno = leaf.Write("cgroup.procs", "0");
        if (errno != Errno.None)
            throw new CgroupsUnavailableException($"cannot move into the cgroup {leaf}: {LinuxException.Describe(errno)}", "name another place for jobs by --cgroup");
    }

    private static unsafe bool IsMarked(string directory)
    {
        foreach (var mark in s_marks)
        {
            byte value;
            if (Libc.GetExtendedAttribute(directory, mark, &value, 1) == 1 && value == (byte)'1') return true;
        }
        return false;
    }
}
