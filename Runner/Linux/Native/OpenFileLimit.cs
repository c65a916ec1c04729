using System.Runtime.InteropServices;

namespace Runner.Linux.Native;

/// <summary>How many descriptors this process may have open at once (RLIMIT_NOFILE, the soft limit).</summary>
static unsafe partial class OpenFileLimit
{
    private const int Resource = 7; // RLIMIT_NOFILE on every architecture but MIPS, SPARC and Alpha

    public static int Read()
    {
        var limit = stackalloc ulong[2];
        if (GetLimit(Resource, limit) != 0) throw LinuxException.Last("getrlimit");
        return (int)Math.Min(limit[0], int.MaxValue);
    }

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int GetLimit(int resource, ulong* limit);
}
