using System.Runtime.InteropServices;

namespace Runner.Linux.Native;

static partial class Libc
{
    /// <summary>435 on every architecture, as all numbers since Linux 5.1.</summary>
    public const nint Clone3 = 435;

    /// <summary>syscall(2), for calls the C library has no function for.</summary>
    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    public static unsafe partial nint SystemCall(nint number, void* first, nint second);
}
