using System.Globalization;
using System.Runtime.InteropServices;

namespace Runner.Linux.Processes;

/// <summary>Unmaps the program's own code, of which a start runs more than all that comes after it; what is wanted again comes back page by page.</summary>
static partial class StartupPages
{
    private const int DontNeed = 4; // MADV_DONTNEED, madvise(2)

    /// <summary>Only code: nothing ever writes to it, so the file has all of it.</summary>
    public static void GiveBack()
    {
        foreach (var line in File.ReadLines("/proc/self/maps"))
        {
            // 00a9b000-01a5e000 r-xp 0089a000 fe:00 5327146    /usr/local/bin/runner
            if (!line.Contains(" r-xp ", StringComparison.Ordinal) || !line.EndsWith(Environment.ProcessPath ?? "?", StringComparison.Ordinal)) continue;
            var (dash, blank) = (line.IndexOf('-', StringComparison.Ordinal), line.IndexOf(' ', StringComparison.Ordinal));
            var start = nuint.Parse(line.AsSpan(0, dash), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            var end = nuint.Parse(line.AsSpan(dash + 1, blank - dash - 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            _ = Advise(start, end - start, DontNeed); // refused, it stays where it is
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int Advise(nuint start, nuint length, int advice);
}
