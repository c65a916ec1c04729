using System.Buffers.Text;
using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>How long a process has been there, whatever the clock was set to meanwhile.</summary>
static class ProcessAge
{
    // Of proc_pid_stat(5), fields past the name in brackets, which may hold anything: the 22nd of all is the start.
    private const int FieldsBefore = 22 - 3;
    private const long TicksPerSecond = 100; // USER_HZ, the same on all machines that this runs on (asm-generic/param.h)
    private const int MostText = 1024;

    /// <summary>At most its age, and at least that without two of the kernel's ticks. Null: it cannot be told.</summary>
    public static unsafe TimeSpan? Of(int pid)
    {
        using var file = Libc.Open($"/proc/{pid}/stat", OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (file.IsInvalid) return null;
        var text = stackalloc byte[MostText];
        var length = (int)Libc.ReadAt(file, text, MostText, 0);
        if (length <= 0 || Start(new(text, length)) is not { } ticks) return null;
        var now = stackalloc long[2];
        if (Libc.GetClock(Libc.BootTime, now) != 0) return null;

        // Ticks are cut off: it may have started up to one later than is told.
        var age = TimeSpan.FromSeconds(now[0]) + TimeSpan.FromMicroseconds(now[1] / 1000) - TimeSpan.FromSeconds((double)(ticks + 1) / TicksPerSecond);
        return age > TimeSpan.Zero ? age : TimeSpan.Zero;
    }

    /// <summary>When it started, in ticks since the machine did.</summary>
    private static long? Start(ReadOnlySpan<byte> stat)
    {
        var rest = stat[(stat.LastIndexOf((byte)')') + 1)..].TrimStart((byte)' ');
        for (var field = 0; field < FieldsBefore; field++) rest = rest[(rest.IndexOf((byte)' ') + 1)..];
        return Utf8Parser.TryParse(rest, out long ticks, out _) ? ticks : null;
    }
}
