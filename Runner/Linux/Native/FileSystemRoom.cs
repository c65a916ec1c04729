using System.Runtime.InteropServices;

namespace Runner.Linux.Native;

/// <summary>How much room a file system has, inodes too, of which the platform does not tell.</summary>
/// <param name="Bytes">In all; 0: it does not tell.</param>
/// <param name="FreeBytes">For those without privileges: what ext4 sets aside for root is not counted on.</param>
/// <param name="Files">Inodes in all; 0: it has no fixed number.</param>
/// <param name="FreeFiles">The same of inodes.</param>
/// <param name="IsReadOnly">It is mounted so.</param>
readonly partial record struct FileSystemRoom(long Bytes, long FreeBytes, long Files, long FreeFiles, bool IsReadOnly)
{
    /// <summary>Of the file system that a file or folder is on (statvfs(3)).</summary>
    public static unsafe FileSystemRoom Of(string path)
    {
        // struct statvfs of 64-bit glibc, in words: block size, fragment size, then in fragments all, free, and free for
        // everybody, then the same three of inodes, its id and its flags, of which ST_RDONLY is the first. 112 bytes in all.
        var answer = stackalloc ulong[16];
        if (StatVfs(path, answer) != 0) throw LinuxException.Last("statvfs", path);
        var fragment = answer[1];
        return new(Whole(answer[2], fragment), Whole(answer[4], fragment), Whole(answer[5], 1), Whole(answer[7], 1), (answer[9] & 1) != 0);
    }

    /// <summary>Some network file systems tell numbers near 2^64.</summary>
    private static long Whole(ulong count, ulong unit) => unit == 0 || count > long.MaxValue / unit ? (unit == 0 ? 0 : long.MaxValue) : (long)(count * unit);

    [LibraryImport("libc", EntryPoint = "statvfs", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial int StatVfs(string path, ulong* answer);
}
