using System.Runtime.InteropServices;

namespace Runner.Linux.Native;

static partial class Libc
{
    /// <summary>fallocate(2).</summary>
    [LibraryImport(Name, EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(Fd fd, AllocateMode mode, long offset, long length);

    /// <summary>lseek(2).</summary>
    [LibraryImport(Name, EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(Fd fd, long offset, int whence);

    public const int SeekData = 3, SeekHole = 4;

    /// <summary>preadv2(2).</summary>
    [LibraryImport(Name, EntryPoint = "preadv2", SetLastError = true)]
    public static unsafe partial nint ReadAt(Fd fd, IoVector* vectors, int count, long offset, int flags);

    public const int ReadNoWait = 8; // RWF_NOWAIT: only what is in memory, Linux 4.14
}

/// <summary>How fallocate(2) changes a file (linux/falloc.h).</summary>
[Flags]
enum AllocateMode
{
    KeepSize = 1,
    PunchHole = 2,
}
