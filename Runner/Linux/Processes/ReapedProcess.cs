using Runner.Jobs;
using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>How a process went, and the context switches of it and of every descendant that was waited for (RUSAGE_BOTH, kernel/exit.c).</summary>
/// <param name="OomSpared">The kernel would never have killed it for want of memory.</param>
/// <param name="At">When it was reaped.</param>
sealed record ReapedProcess(ProcessExit Exit, long VoluntarySwitches, long InvoluntarySwitches, bool OomSpared, DateTimeOffset At)
{
    /// <summary>It was told to end in a planned stop, by a keeper that had no server.</summary>
    public bool InStop { get; init; }

    /// <summary>One that waitid(2) has just told of.</summary>
    public static ReapedProcess Of(in SigInfo info, in ResourceCount count, bool oomSpared) => new(
        info.Code == SigInfo.Exited
            ? new ProcessExit.Exited(info.Status)
            : new ProcessExit.Signaled(info.Status, CoreDumped: info.Code == SigInfo.Dumped),
        count.VoluntarySwitches, count.InvoluntarySwitches, oomSpared, DateTimeOffset.UtcNow);
}
