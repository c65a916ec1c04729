using System.Runtime.InteropServices;
using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>Another program in the place of this one: same process, children and what they are to it (PR_SET_CHILD_SUBREAPER) stay (execve(2)).</summary>
static unsafe partial class SelfReplacement
{
    private const int SetFdFlags = 2, CloseOnExec = 1; // F_SETFD, FD_CLOEXEC
    private const nuint ExecutedName = 31; // AT_EXECFN, getauxval(3)

    /// <summary>This program as it was called by, where another one may lie by now; a link is not followed, for it may lead elsewhere by now.</summary>
    public static string Path()
    {
        var called = Marshal.PtrToStringUTF8(AuxiliaryValue(ExecutedName)) ?? "";
        return System.IO.Path.IsPathRooted(called) && !called.StartsWith("/proc/", StringComparison.Ordinal) && !called.StartsWith("/dev/", StringComparison.Ordinal)
            ? called
            : Environment.ProcessPath ?? throw new InvalidOperationException("the path of this program is not known");
    }

    /// <summary>Returns only if it fails.</summary>
    /// <param name="path">The program.</param>
    /// <param name="argv">Its words.</param>
    /// <param name="envp">NAME=value.</param>
    /// <param name="keep">Descriptors that it gets; all others but the first three are closed.</param>
    public static LinuxException Run(string path, IReadOnlyList<string> argv, IReadOnlyList<string> envp, IReadOnlyList<Fd> keep)
    {
        using var strings = new NativeStrings();
        var file = strings.Add(path);
        byte** words = strings.AddAll(argv), settings = strings.AddAll(envp);
        foreach (var fd in keep) _ = Libc.Control(fd, (FcntlCommand)SetFdFlags, 0);
        _ = Execute(file, words, settings);
        var error = LinuxException.Last("execve");
        Hide(keep);
        return error;
    }

    /// <summary>Descriptors that the program before this one has left are no business of those that this one starts.</summary>
    public static void Hide(IEnumerable<Fd> kept)
    {
        foreach (var fd in kept) _ = Libc.Control(fd, (FcntlCommand)SetFdFlags, CloseOnExec);
    }

    [LibraryImport("libc", EntryPoint = "execve", SetLastError = true)]
    private static partial int Execute(byte* path, byte** argv, byte** envp);

    [LibraryImport("libc", EntryPoint = "getauxval")]
    private static partial nint AuxiliaryValue(nuint type);
}
