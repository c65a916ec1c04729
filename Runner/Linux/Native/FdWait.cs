using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Runner.Linux.Native;

/// <summary>Waits for one descriptor, however often a signal interrupts that (poll(2)).</summary>
static unsafe class FdWait
{
    /// <param name="limit">Null: for ever.</param>
    /// <returns>False: the limit came first, or it cannot be waited for.</returns>
    public static bool For(Fd fd, PollEvents events, TimeSpan? limit = null)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            var left = limit - Stopwatch.GetElapsedTime(start);
            var entry = new PollFd { Fd = fd.Number, Events = events };
            var ready = Libc.PollFds(&entry, 1, left is { } time ? Math.Max(0, (int)Math.Ceiling(time.TotalMilliseconds)) : -1);
            if (ready > 0) return true;
            if (ready == 0 || Marshal.GetLastPInvokeError() != (int)Errno.EINTR) return false;
        }
    }
}
