using System.Runtime.InteropServices;

namespace Runner.Linux.Native;

/// <summary>Whose a file is, which the platform does not tell.</summary>
static unsafe partial class FileOwner
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint WantOwner = 0x8; // STATX_UID

    /// <summary>The owner's user id. A link is followed.</summary>
    public static uint Of(string path)
    {
        // struct statx, the same on every architecture (statx(2), Linux 4.11): the owner is the sixth 32-bit word.
        var answer = stackalloc uint[64];
        return Statx(CurrentFolder, path, 0, WantOwner, answer) == 0 ? answer[5] : throw LinuxException.Last("statx", path);
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Statx(int folder, string path, int flags, uint mask, uint* answer);
}
