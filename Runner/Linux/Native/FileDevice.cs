using System.Runtime.InteropServices;

namespace Runner.Linux.Native;

/// <summary>Which device a file is, or is on, which the platform does not tell.</summary>
static unsafe partial class FileDevice
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint WantType = 0x1; // STATX_TYPE
    private const uint TypeMask = 0xF000; // S_IFMT, inode(7)
    private const uint BlockDevice = 0x6000; // S_IFBLK
    private const uint CharacterDevice = 0x2000; // S_IFCHR

    /// <summary>
    /// The number of the block device this is, else of the one its file system is on; 0 as major: of none, as for a
    /// character device. A link is followed.
    /// </summary>
    public static (uint Major, uint Minor) Of(string path)
    {
        // struct statx (statx(2)) in 32-bit words: the mode is in the lower half of the eighth, at 32 are the major and minor
        // number of the device it is, then those of the one it is on.
        var answer = stackalloc uint[64];
        if (Statx(CurrentFolder, path, 0, WantType, answer) != 0) throw LinuxException.Last("statx", path);
        return (answer[7] & TypeMask) switch
        {
            BlockDevice => (answer[32], answer[33]),
            CharacterDevice => (0, 0), // /dev/null is no word for the disk that /dev is on
            _ => (answer[34], answer[35]),
        };
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Statx(int folder, string path, int flags, uint mask, uint* answer);
}
