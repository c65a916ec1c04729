using System.Runtime.InteropServices;

namespace Runner.Linux.Native;

/// <summary>The C library as it is. No decisions here: the caller turns −1 into a sentence.</summary>
static partial class Libc
{
    private const string Name = "libc";

    [LibraryImport(Name, EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial Fd Open(string path, OpenFlags flags, uint mode = 0);

    [LibraryImport(Name, EntryPoint = "close")]
    public static partial int Close(int fd);

    [LibraryImport(Name, EntryPoint = "fsync", SetLastError = true)]
    public static partial int Sync(Fd fd);

    [LibraryImport(Name, EntryPoint = "geteuid")]
    public static partial uint GetEffectiveUser();

    [LibraryImport(Name, EntryPoint = "signal", SetLastError = true)]
    public static partial nint SetSignal(int signal, nint handler);

    [LibraryImport(Name, EntryPoint = "umask")]
    public static partial uint SetFileModeMask(uint mask);
}

/// <summary>Flags of open(2) and pipe2(2), the same on x86-64 and arm64 but for O_DIRECTORY and its neighbours.</summary>
[Flags]
enum OpenFlags
{
    ReadOnly = 0,
    WriteOnly = 1,
    ReadWrite = 2,
    Create = 0x40,
    Exclusive = 0x80,
    Truncate = 0x200,
    NonBlocking = 0x800,
    CloseOnExec = 0x80000,
}
