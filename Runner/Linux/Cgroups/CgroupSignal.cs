using System.Runtime.InteropServices;
using Runner.Jobs;
using Runner.Linux.Native;

namespace Runner.Linux.Cgroups;

/// <summary>Gives a signal once to every process in a cgroup and in those nested in it, and to no other process.</summary>
static class CgroupSignal
{
    // A process in uninterruptible sleep freezes only when it wakes, but does not fork before that either.
    private static readonly TimeSpan FreezeLimit = TimeSpan.FromMilliseconds(100);

    // Frozen, one pass finds all and the next nothing new. Without the freeze a job that forks all the time ends it here.
    private const int Passes = 32;

    // Descriptors open at once.
    private const int Batch = 64;

    /// <param name="cgroup">Whose processes.</param>
    /// <param name="signal">Which.</param>
    /// <param name="wake">SIGCONT after it: a process that is stopped acts on nothing else but SIGKILL. No other notices that, unless it handles it.</param>
    /// <param name="isSpared">Processes that do not get it. Null: none.</param>
    /// <exception cref="LinuxException">A process could not be signalled; the others were.</exception>
    public static void Send(CgroupDirectory cgroup, int signal, bool wake = false, Func<int, bool>? isSpared = null)
    {
        // The processes are held still meanwhile (cgroup.freeze, Linux 5.2), so that none forks between the look and
        // the signal, and none that a signal handler starts in answer gets it too. A job that is paused stays so.
        // By one descriptor: where no other can be opened, the job must not stay frozen.
        using var freezer = cgroup.Open("cgroup.freeze", OpenFlags.ReadWrite);
        var froze = !freezer.IsInvalid && KernelText.ReadNumber(CgroupDirectory.Read(freezer)) == 0
            && CgroupDirectory.Write(freezer, "1") == Errno.None;
        try
        {
            if (froze)
                new CgroupWait(FreezeLimit).UntilEvent(cgroup, "frozen", 1);
            SendInPasses(cgroup, wake ? [signal, Signals.Continue] : [signal], isSpared ?? (_ => false));
        }
        finally
        {
            if (froze)
                CgroupDirectory.Write(freezer, "0");
        }
    }

    private static void SendInPasses(CgroupDirectory cgroup, int[] signals, Func<int, bool> isSpared)
    {
        LinuxException? failure = null;
        var seen = new HashSet<int>();
        for (var pass = 0; pass < Passes; pass++)
        {
            var before = seen.Count;
            foreach (var part in cgroup.WithNested())
                foreach (var batch in part.OwnProcesses().Where(seen.Add).Chunk(Batch))
                    SendTo(part, [.. batch.Where(pid => !isSpared(pid))], signals, ref failure);
            if (seen.Count == before)
                break;
        }
        if (failure is not null)
            throw failure;
    }

    private static void SendTo(CgroupDirectory cgroup, int[] pids, int[] signals, ref LinuxException? failure)
    {
        var processes = new List<(int Pid, Fd Process)>();
        try
        {
            foreach (var pid in pids)
            {
                var process = Libc.OpenProcess(pid);
                if (!process.IsInvalid)
                    processes.Add((pid, process));
                else if (Last() != Errno.ESRCH)
                    failure = LinuxException.Last("pidfd_open", $"{pid}");
            }

            // A number may have passed to a stranger between the list and pidfd_open. Whoever the list still names is
            // in the cgroup; if that is not the process we hold, ours has ended and the signal goes nowhere (ESRCH).
            var still = cgroup.OwnProcesses().ToHashSet();
            foreach (var (pid, process) in processes.Where(entry => still.Contains(entry.Pid)))
                foreach (var signal in signals)
                    if (Libc.SignalProcess(process, signal) != 0 && Last() != Errno.ESRCH)
                        failure = LinuxException.Last("pidfd_send_signal", $"{pid}");
        }
        finally
        {
            foreach (var (_, process) in processes)
                process.Dispose();
        }
    }

    private static Errno Last() => (Errno)Marshal.GetLastPInvokeError();
}
