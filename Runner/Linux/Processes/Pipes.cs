using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>Pipes as large as the machine allows, so that a job seldom waits for the capture.</summary>
static unsafe class Pipes
{
    private const int WantedSize = 1 << 20; // the usual /proc/sys/fs/pipe-max-size

    public static (Fd Read, Fd Write) Create()
    {
        var ends = stackalloc int[2];
        if (Libc.Pipe(ends, OpenFlags.CloseOnExec) != 0) throw LinuxException.Last("pipe2");
        var (read, write) = (new Fd(ends[0]), new Fd(ends[1]));

        // Refused past pipe-user-pages-soft without CAP_SYS_RESOURCE; the default 64 KiB is slower, not wrong.
        _ = Libc.Control(read, FcntlCommand.SetPipeSize, WantedSize);
        return (read, write);
    }
}
