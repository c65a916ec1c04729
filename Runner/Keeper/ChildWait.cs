using System.Runtime.InteropServices;
using Runner.Linux.Cgroups;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>Waits for any child of this process, orphans it has been given included (PR_SET_CHILD_SUBREAPER).</summary>
static unsafe class ChildWait
{
    /// <summary>Waits until a child has ended, and leaves it as it is. False: there are no children.</summary>
    public static bool Next(out int pid)
    {
        SigInfo info;
        while (Libc.WaitId(Libc.AnyChild, 0, &info, Libc.WaitExited | Libc.WaitNoTake, null) != 0)
        {
            var error = LinuxException.Last("waitid");
            if (error.Errno is Errno.EINTR) continue;
            pid = 0;
            return error.Errno is Errno.ECHILD ? false : throw error;
        }
        pid = info.Pid;
        return true;
    }

    /// <summary>Takes a child that has ended. Null: somebody else took it.</summary>
    public static ReapedProcess? Take(int pid)
    {
        SigInfo info;
        ResourceCount count;
        var spared = OomSpared.Is(pid); // its number is still its own
        while (Libc.WaitId(Libc.ChildByPid, pid, &info, Libc.WaitExited, &count) != 0)
        {
            var errno = (Errno)Marshal.GetLastPInvokeError();
            if (errno is not Errno.EINTR) return null;
        }
        return ReapedProcess.Of(info, count, spared);
    }
}
