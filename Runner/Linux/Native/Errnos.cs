namespace Runner.Linux.Native;

/// <summary>What error numbers have in common.</summary>
static class Errnos
{
    /// <summary>The machine has no room for it now: the same call may succeed later.</summary>
    // EAGAIN: of processes, and of cgroups by cgroup.max.descendants or .depth of an ancestor (cgroup-v2.rst).
    public static bool IsExhaustion(this Errno errno) =>
        errno is Errno.EAGAIN or Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE or Errno.ENOSPC or Errno.EDQUOT;

    /// <summary>What to raise or wait for, to be put after the kernel's own words; empty where those say it.</summary>
    /// <param name="errno">What the kernel said.</param>
    /// <param name="processes">Whether a process was being made, which is what EAGAIN then means.</param>
    public static string Remedy(this Errno errno, bool processes = false) => errno switch
    {
        Errno.EAGAIN when processes => "; no more processes fit into the server's cgroup or this machine (pids.max, threads-max); try again when some have ended",
        Errno.EMFILE => "; the server may open no more files (ulimit -n); try again when a job has ended",
        Errno.ENFILE => "; no more files can be open on this machine (fs.file-max)",
        _ => "",
    };
}
