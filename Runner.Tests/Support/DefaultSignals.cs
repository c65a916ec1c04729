using System.Globalization;
using System.Runtime.CompilerServices;
using Runner.Linux.Native;

namespace Runner.Tests.Support;

/// <summary>
/// What a shell without job control runs in the background ignores SIGINT and SIGQUIT (POSIX shell, 2.11), and so would every
/// program that the tests start from there: they are given back to all.
/// </summary>
static class DefaultSignals
{
    private static readonly int[] s_ofShells = [2, 3];

    /// <summary>The signals that a process ignores, as bits (proc_pid_status(5)).</summary>
    public static ulong IgnoredBy(string status) =>
        ulong.Parse(status.Split('\n').First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))["SigIgn:".Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    [ModuleInitializer]
    internal static void Restore()
    {
        var ignored = IgnoredBy(File.ReadAllText("/proc/self/status"));
        foreach (var signal in s_ofShells)
            if ((ignored & (1UL << (signal - 1))) != 0) _ = Libc.SetSignal(signal, 0);
    }
}
