using System.Runtime.InteropServices;
using Runner.Jobs;
using Runner.Linux.Native;

namespace Runner.Linux.Probes;

/// <summary>Whether the kernel has the calls jobs are started and signalled by.</summary>
static class KernelProbes
{
    private static readonly Version IntoCgroup = new(5, 7);
    private static readonly Version CgroupKill = new(5, 14);
    private static readonly Version MemoryPeak = new(5, 19);

    /// <param name="release">Such as "6.1.0-28-amd64".</param>
    public static Capability Kernel(string release)
    {
        const string Name = "kernel";
        release = release.Trim();
        var number = release.TakeWhile(letter => char.IsAsciiDigit(letter) || letter == '.').ToArray().AsSpan().Trim('.');
        if (!Version.TryParse(number, out var version))
            return new Capability(Name, CapabilityState.Limited, $"Linux {release}, a version that does not read as one");
        const string Newer = "use Linux 5.19 or newer";
        if (version < IntoCgroup)
            return new Capability(Name, CapabilityState.Missing, $"Linux {release}: jobs cannot be born in their cgroup before 5.7", Newer);
        if (version < CgroupKill)
            return new Capability(Name, CapabilityState.Limited, $"Linux {release}: without cgroup.kill (5.14) jobs are killed process by process", Newer);
        if (version < MemoryPeak)
            return new Capability(Name, CapabilityState.Limited, $"Linux {release}: no peak memory of a job in cgroup v2 (5.19)", Newer);
        return new Capability(Name, CapabilityState.Works, $"Linux {release}");
    }

    /// <summary>Asks clone3 for a child in a cgroup that cannot be: no child comes of it, and the error tells all.</summary>
    public static unsafe Capability SpawnIntoCgroup()
    {
        const string Name = "spawn into cgroup";
        const int Flags = 0, ExitSignal = 4, Cgroup = 10, SigChild = 17; // fields of struct clone_args, all of 64 bits
        var arguments = stackalloc ulong[11]; // CLONE_ARGS_SIZE_VER2, 88 bytes
        new Span<ulong>(arguments, 11).Clear();
        arguments[Flags] = 0x200000000; // CLONE_INTO_CGROUP
        arguments[ExitSignal] = SigChild;
        arguments[Cgroup] = int.MaxValue; // never an open descriptor, so a kernel that knows the flag says EBADF
        Libc.SystemCall(Libc.Clone3, arguments, 11 * sizeof(ulong));
        return (Errno)Marshal.GetLastPInvokeError() switch
        {
            Errno.EBADF => new Capability(Name, CapabilityState.Works, "clone3 with CLONE_INTO_CGROUP"),
            Errno.ENOSYS or Errno.EPERM => new Capability(
                Name, CapabilityState.Missing, "clone3 is not allowed here", "let the container's seccomp profile allow clone3"),
            var errno => new Capability(
                Name, CapabilityState.Missing, $"clone3 with CLONE_INTO_CGROUP: {LinuxException.Describe(errno)}", "use Linux 5.7 or newer"),
        };
    }

    public static Capability Pidfd()
    {
        const string Name = "pidfd";
        using var self = Libc.OpenProcess(Environment.ProcessId);
        if (self.IsInvalid)
            return new Capability(Name, CapabilityState.Missing, LinuxException.Last("pidfd_open").Message, "use Linux 5.7 or newer, and let seccomp allow it");
        return Libc.SignalProcess(self, 0) == 0
            ? new Capability(Name, CapabilityState.Works, "pidfd_open and pidfd_send_signal")
            : new Capability(Name, CapabilityState.Missing, LinuxException.Last("pidfd_send_signal").Message);
    }
}
