using Runner.Linux.Native;

namespace Runner.Linux.Cgroups.V1;

/// <summary>
/// Tells that a v1 cgroup is at its memory limit and a process of it is being killed. In v2 the kernel then takes the
/// whole cgroup (memory.oom.group); in v1 it is up to whoever is told.
/// </summary>
static class OomNotice
{
    /// <returns>An eventfd that is readable from each time on until it is read (v1 memory.rst, section 9).</returns>
    /// <exception cref="LinuxException">The kernel does not tell.</exception>
    public static Fd Open(CgroupDirectory cgroup)
    {
        using var control = cgroup.Open("memory.oom_control", OpenFlags.ReadOnly);
        if (control.IsInvalid) throw LinuxException.Last("open", $"{cgroup}/memory.oom_control");
        var notice = Libc.EventFd(0, OpenFlags.CloseOnExec | OpenFlags.NonBlocking);
        if (notice.IsInvalid) throw LinuxException.Last("eventfd");
        var errno = cgroup.Write("cgroup.event_control", $"{notice.Number} {control.Number}");
        if (errno == Errno.None) return notice;
        notice.Dispose();
        throw new LinuxException("write", errno, $"{cgroup}/cgroup.event_control");
    }
    /// <summary>Makes it quiet until the next time. False: it was.</summary>
    public static unsafe bool Take(Fd notice)
    {
        ulong times;
        return Libc.Read(notice, &times, sizeof(ulong)) > 0; // eventfd(2)
    }
}
