using System.Diagnostics;
using System.Runtime.InteropServices;
using Runner.Linux.Native;

namespace Runner.Linux.Cgroups;

/// <summary>Waits for what happens to a cgroup, by the kernel's own notices, never longer than its limit.</summary>
sealed class CgroupWait(TimeSpan limit)
{
    // Looks at once, about a third of a millisecond of them, and as many with a short sleep between.
    private const int Looks = 50;
    private static readonly TimeSpan ShortSleep = TimeSpan.FromMilliseconds(1);

    private readonly long _start = Stopwatch.GetTimestamp();

    private TimeSpan Left => limit - Stopwatch.GetElapsedTime(_start);

    /// <summary>Until cgroup.events says so. False: the limit came first. A cgroup that is gone counts as empty and not frozen.</summary>
    public bool UntilEvent(CgroupDirectory cgroup, string key, long value)
    {
        // A descriptor of its own: a read makes this one's notice quiet and would swallow it for others.
        using var events = cgroup.Open("cgroup.events", OpenFlags.ReadOnly);
        for (var looks = 0; ; looks++)
        {
            var text = events.IsInvalid ? null : CgroupDirectory.Read(events);
            if (text is null || KernelText.ReadKey(text, key) == value)
                return true;
            // The kernel tells of one change in 10 ms (CGROUP_FILE_NOTIFY_MIN_INTV, kernel/cgroup/cgroup.c), and what
            // is waited for mostly takes microseconds: let the others run and look again before sleeping for long.
            if (looks < Looks)
                Thread.Yield();
            else if (!FdWait.For(events, PollEvents.Urgent, looks < 2 * Looks ? ShortSleep : Left) && Left <= TimeSpan.Zero)
                return false;
        }
    }

    /// <summary>Until these processes have ended. False: the limit came first.</summary>
    public bool UntilEnded(IEnumerable<int> processes)
    {
        foreach (var pid in processes)
        {
            using var process = Libc.OpenProcess(pid);
            if (!process.IsInvalid && !FdWait.For(process, PollEvents.Readable, Left))
                return false;
        }
        return Left > TimeSpan.Zero;
    }

    /// <summary>Removes a cgroup, waiting for its last processes to be gone. EBUSY: they are not yet.</summary>
    public Errno Remove(CgroupDirectory cgroup)
    {
        while (true)
        {
            var errno = cgroup.Remove();
            if (errno != Errno.EBUSY || Left <= TimeSpan.Zero)
                return errno;
            // v1 tells nobody when a cgroup gets empty; the ends of its processes do.
            var processes = cgroup.IsPopulated() ? [] : cgroup.Processes();
            if (processes.Count > 0 ? !UntilEnded(processes) : !UntilEvent(cgroup, "populated", 0))
                return errno;
            // A pidfd tells an end a moment before the kernel has taken the process out, and nothing tells that moment.
            Thread.Sleep(0);
        }
    }
}
