using System.Runtime.InteropServices;

namespace Runner.Linux.Native;

static partial class Libc
{
    [LibraryImport(Name, EntryPoint = "pipe2", SetLastError = true)]
    public static unsafe partial int Pipe(int* ends, OpenFlags flags);

    /// <summary>access(2).</summary>
    [LibraryImport(Name, EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Access(string path, int mode);

    public const int MayExecute = 1; // X_OK

    [LibraryImport(Name, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(Fd fd, FcntlCommand command, int value);

    [LibraryImport(Name, EntryPoint = "splice", SetLastError = true)]
    public static unsafe partial nint Splice(Fd from, long* fromOffset, Fd to, long* toOffset, nuint length, SpliceFlags flags);

    [LibraryImport(Name, EntryPoint = "ioctl", SetLastError = true)]
    public static unsafe partial int BytesWaiting(Fd fd, nuint request, int* bytes);

    /// <summary>waitid(2). As a system call, for the C library's function leaves out the last argument.</summary>
    public static unsafe int WaitId(int idType, Fd pidfd, SigInfo* info, int options, ResourceCount* count) =>
        (int)SystemCall(s_waitId, idType, pidfd, info, options, count);

    // asm/unistd_64.h, asm-generic/unistd.h.
    private static readonly nint s_waitId = RuntimeInformation.ProcessArchitecture is Architecture.X64 ? 247 : 95;

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    private static unsafe partial nint SystemCall(nint number, nint first, Fd second, void* third, nint fourth, void* fifth);

    public const int BootTime = 7; // CLOCK_BOOTTIME: since the machine's start, sleep included

    /// <summary>clock_gettime(2): seconds and nanoseconds, two words on every 64-bit machine.</summary>
    [LibraryImport(Name, EntryPoint = "clock_gettime", SetLastError = true)]
    public static unsafe partial int GetClock(int clock, long* secondsAndNanoseconds);

    public const int AnyChild = 0, ChildByPid = 1; // P_ALL, P_PID
    public const int WaitExited = 4, WaitNoTake = 0x01000000; // WEXITED, WNOWAIT

    /// <summary>The same for any child, or one by its number.</summary>
    public static unsafe int WaitId(int idType, int id, SigInfo* info, int options, ResourceCount* count) =>
        (int)SystemCall(s_waitId, idType, id, info, options, count);

    [LibraryImport(Name, EntryPoint = "prctl", SetLastError = true)]
    public static partial int ControlProcess(int option, nuint first, nuint second, nuint third, nuint fourth);

    /// <summary>A second descriptor for the same open file, above the three that every program has.</summary>
    public static Fd Duplicate(int number) => Control(number, (int)FcntlCommand.DuplicateCloseOnExec, 3);

    [LibraryImport(Name, EntryPoint = "fcntl", SetLastError = true)]
    private static partial Fd Control(int fd, int command, int value);

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    private static unsafe partial nint SystemCall(nint number, nint first, nint second, void* third, nint fourth, void* fifth);

    [LibraryImport(Name, EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial Fd EpollCreate(OpenFlags flags);

    [LibraryImport(Name, EntryPoint = "epoll_ctl", SetLastError = true)]
    public static unsafe partial int EpollControl(Fd epoll, EpollOperation operation, Fd fd, byte* eventBytes);

    [LibraryImport(Name, EntryPoint = "epoll_wait", SetLastError = true)]
    public static unsafe partial int EpollWait(Fd epoll, byte* events, int most, int timeoutMilliseconds);

    [LibraryImport(Name, EntryPoint = "eventfd", SetLastError = true)]
    public static partial Fd EventFd(uint initial, OpenFlags flags);

    [LibraryImport(Name, EntryPoint = "read", SetLastError = true)]
    public static unsafe partial nint Read(Fd fd, void* buffer, nuint length);

    [LibraryImport(Name, EntryPoint = "write", SetLastError = true)]
    public static unsafe partial nint Write(Fd fd, void* buffer, nuint length);

    [LibraryImport(Name, EntryPoint = "pwrite", SetLastError = true)]
    public static unsafe partial nint WriteAt(Fd fd, void* buffer, nuint length, long offset);

    [LibraryImport(Name, EntryPoint = "fchmod", SetLastError = true)]
    public static partial int ChangeMode(Fd fd, uint mode);
}

enum FcntlCommand
{
    DuplicateCloseOnExec = 1030, // F_DUPFD_CLOEXEC
    SetPipeSize = 1031, // F_SETPIPE_SZ, fcntl(2)
}

[Flags]
enum SpliceFlags : uint
{
    Move = 1,
    NonBlocking = 2,
}

enum EpollOperation
{
    Add = 1,
    Remove = 2,
}

[Flags]
enum EpollEvents : uint
{
    None = 0,
    Readable = 1,
    Priority = 2,
    HangUp = 16, // told whether asked for or not
}

/// <summary>What is used of <c>struct rusage</c> on 64-bit Linux (getrusage(2)), 144 bytes in all: the last two of its fields.</summary>
[StructLayout(LayoutKind.Explicit, Size = 144)]
struct ResourceCount
{
    [FieldOffset(128)] public long VoluntarySwitches;
    [FieldOffset(136)] public long InvoluntarySwitches;
}

/// <summary>The child part of <c>siginfo_t</c> on 64-bit Linux (asm-generic/siginfo.h), 128 bytes in all.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
struct SigInfo
{
    [FieldOffset(8)] public int Code;
    [FieldOffset(16)] public int Pid;
    [FieldOffset(24)] public int Status;

    /// <summary><c>si_code</c> of a child that returned, was killed, or was killed with a core dump.</summary>
    public const int Exited = 1, Killed = 2, Dumped = 3;
}
