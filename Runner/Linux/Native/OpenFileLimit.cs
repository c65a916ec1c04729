using System.Runtime.InteropServices;

namespace Runner.Linux.Native;

/// <summary>How many descriptors this process may have open at once (RLIMIT_NOFILE, the soft limit).</summary>
static unsafe partial class OpenFileLimit
{
    private const int Resource = 7; // RLIMIT_NOFILE on every architecture but MIPS, SPARC and Alpha

    /// <summary>Raises the soft limit to the hard one: the usual 1024 is for programs that use select(2). A native program's
    /// runtime does not, other than that of one that is compiled as it runs.</summary>
    /// <returns>The limit from now on.</returns>
    public static int Raise()
    {
        var limit = stackalloc ulong[2];
        if (GetLimit(Resource, limit) != 0) throw LinuxException.Last("getrlimit");
        limit[0] = limit[1];
        if (SetLimit(Resource, limit) != 0) throw LinuxException.Last("setrlimit");
        return (int)Math.Min(limit[0], int.MaxValue);
    }

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int GetLimit(int resource, ulong* limit);

    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    private static partial int SetLimit(int resource, ulong* limit);
}
