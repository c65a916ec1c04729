using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>Pipes as large as the machine allows, so that a job seldom waits for the capture.</summary>
static unsafe class Pipes
{
    private const int WantedSize = 1 << 20; // the usual /proc/sys/fs/pipe-max-size
    private const uint EveryoneWrites = 0x192; // 0622

    public static (Fd Read, Fd Write) Create()
    {
        var ends = stackalloc int[2];
        if (Libc.Pipe(ends, OpenFlags.CloseOnExec) != 0) throw LinuxException.Last("pipe2");
        var (read, write) = (new Fd(ends[0]), new Fd(ends[1]));

        // Refused past pipe-user-pages-soft without CAP_SYS_RESOURCE; the default 64 KiB is slower, not wrong.
        _ = Libc.Control(read, FcntlCommand.SetPipeSize, WantedSize);
        return (read, write);
    }

    /// <summary>A pipe that its writers may open again by name, under whatever user they run then.</summary>
    public static (Fd Read, Fd Write) CreateForJob()
    {
        var (read, write) = Create();

        // `echo >/dev/stderr` opens the pipe anew by /proc/self/fd/2, and its mode is asked as that of a file: 0600 and our
        // user would keep out a job that has changed its own. Nobody else gets near it, whatever the mode: a pipe has no name
        // but /proc/PID/fd, which only a process that may trace PID can follow (proc(5), PTRACE_MODE_READ_FSCREDS), and such
        // a one could make PID write anything. Reading stays shut, so that what is captured cannot be taken away.
        if (Libc.ChangeMode(write, EveryoneWrites) == 0) return (read, write);
        var error = LinuxException.Last("fchmod");
        read.Dispose();
        write.Dispose();
        throw error;
    }
}
