using System.Globalization;
using Runner.Jobs;

namespace Runner.Linux.Cgroups.V1;

/// <summary>Bytes to and from block devices by <c>blkio.throttle.io_service_bytes_recursive</c>, all devices together.</summary>
sealed class BlkioV1() : Controller("blkio")
{
    public override ResourceUsage ReadUsage(Func<string, string?> read, ResourceUsage usage)
    {
        // The recursive one, with what nested cgroups did, is the younger of the two.
        var text = read("blkio.throttle.io_service_bytes_recursive") ?? read("blkio.throttle.io_service_bytes");
        if (text is null)
            return usage;
        return usage with { ReadBytes = Sum(text, " Read "), WrittenBytes = Sum(text, " Write ") };
    }

    // "8:0 Read 4096" for each device and kind, then "Total 4096".
    private static long Sum(string text, string kind)
    {
        long sum = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            var at = line.IndexOf(kind, StringComparison.Ordinal);
            if (at >= 0 && long.TryParse(line[(at + kind.Length)..], NumberStyles.None, CultureInfo.InvariantCulture, out var bytes))
                sum += bytes;
        }
        return sum;
    }
}
