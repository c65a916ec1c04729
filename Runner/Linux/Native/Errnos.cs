namespace Runner.Linux.Native;

/// <summary>What error numbers have in common.</summary>
static class Errnos
{
    /// <summary>The machine has no room for it now: the same call may succeed later.</summary>
    // EAGAIN: of processes, and of cgroups by cgroup.max.descendants or .depth of an ancestor (cgroup-v2.rst).
    public static bool IsExhaustion(this Errno errno) =>
        errno is Errno.EAGAIN or Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE or Errno.ENOSPC or Errno.EDQUOT;
}
