using System.Runtime.InteropServices;

namespace Runner.Linux.Native;

/// <summary>A system call that failed: which, on what, and the kernel's error number.</summary>
sealed class LinuxException(string call, Errno errno, string? target = null)
    : Exception($"{call}{(target is null ? "" : $" {target}")}: {Describe(errno)}")
{
    public string Call { get; } = call;
    public Errno Errno { get; } = errno;

    /// <summary>For the call that failed last on this thread.</summary>
    public static LinuxException Last(string call, string? target = null) =>
        new(call, (Errno)Marshal.GetLastPInvokeError(), target);

    public static string Describe(Errno errno) => Marshal.GetPInvokeErrorMessage((int)errno);
}
