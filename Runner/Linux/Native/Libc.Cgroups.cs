using System.Runtime.InteropServices;

namespace Runner.Linux.Native;

static partial class Libc
{
    /// <summary>O_PATH: a name for the directory and nothing more, which clone3 takes for a cgroup (clone(2)).</summary>
    public const OpenFlags OpenPath = (OpenFlags)0x200000;

    [LibraryImport(Name, EntryPoint = "mkdir", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int MakeDirectory(string path, uint mode);

    [LibraryImport(Name, EntryPoint = "rmdir", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int RemoveDirectory(string path);

    /// <summary>flock(2).</summary>
    /// <param name="operation"><see cref="LockExclusive"/> and perhaps <see cref="LockNonBlocking"/>.</param>
    [LibraryImport(Name, EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(Fd fd, int operation);

    public const int LockExclusive = 2;
    public const int LockNonBlocking = 4;

    /// <summary>getxattr(2).</summary>
    [LibraryImport(Name, EntryPoint = "getxattr", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static unsafe partial nint GetExtendedAttribute(string path, string name, byte* value, nint size);

    [LibraryImport(Name, EntryPoint = "pread", SetLastError = true)]
    public static unsafe partial nint ReadAt(Fd fd, byte* buffer, nint count, long offset);

    [LibraryImport(Name, EntryPoint = "pwrite", SetLastError = true)]
    public static unsafe partial nint WriteAt(Fd fd, byte* buffer, nint count, long offset);

    [LibraryImport(Name, EntryPoint = "poll", SetLastError = true)]
    public static unsafe partial int PollFds(PollFd* fds, nuint count, int milliseconds);

    /// <summary>pidfd_open(2). By number, for glibc has it since 2.36 only.</summary>
    public static Fd OpenProcess(int pid) => SystemCallForFd(PidfdOpen, pid, 0);

    /// <summary>pidfd_send_signal(2).</summary>
    public static int SignalProcess(Fd process, int signal) => (int)SystemCall(PidfdSendSignal, process, signal, 0, 0);

    // The same on every architecture.
    private const nint PidfdSendSignal = 424;
    private const nint PidfdOpen = 434;

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial Fd SystemCallForFd(nint number, nint first, nint second);

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, Fd first, nint second, nint third, nint fourth);
}

/// <summary><c>struct pollfd</c> of poll(2).</summary>
[StructLayout(LayoutKind.Sequential)]
struct PollFd
{
    public int Fd;
    public PollEvents Events;
    public PollEvents Returned;
}

/// <summary>What poll(2) waits for; a pidfd is readable once its process has ended, a kernel file is urgent once it changed.</summary>
[Flags]
enum PollEvents : short
{
    None = 0,
    Readable = 1,
    Urgent = 2,
    Writable = 4,

    /// <summary>Told without being waited for: nobody can write any more.</summary>
    HangUp = 16,
}
