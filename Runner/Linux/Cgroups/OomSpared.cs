using System.Globalization;
using Runner.Linux.Native;

namespace Runner.Linux.Cgroups;

/// <summary>Which processes the kernel never kills for want of memory, as <c>choom -n -1000</c> makes them, not even with their whole cgroup.</summary>
static class OomSpared
{
    private const int Never = -1000; // OOM_SCORE_ADJ_MIN, linux/oom.h

    /// <summary>Tells of one that has exited too, until it is reaped (proc_pid_oom_score_adj(5)). What cannot be read is not spared.</summary>
    /// <param name="pid">Must not have passed to a stranger.</param>
    public static unsafe bool Is(int pid)
    {
        using var file = Libc.Open($"/proc/{pid}/oom_score_adj", OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (file.IsInvalid)
            return false;
        var text = stackalloc byte[16];
        var length = (int)Libc.ReadAt(file, text, 16, 0);
        return int.TryParse(new ReadOnlySpan<byte>(text, Math.Max(length, 0)).Trim("\n"u8), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var score)
            && score == Never;
    }
}
