using System.Globalization;
using Runner.Jobs;

namespace Runner.Linux.Cgroups.V2;

/// <summary>Bytes to and from block devices by <c>io.stat</c>, all devices together.</summary>
sealed class IoV2() : Controller("io")
{
    public override ResourceUsage ReadUsage(Func<string, string?> read, ResourceUsage usage)
    {
        if (read("io.stat") is not { } stat)
            return usage;
        return usage with { ReadBytes = Sum(stat, "rbytes="), WrittenBytes = Sum(stat, "wbytes=") };
    }

    // "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6", a line for each device that saw a request.
    private static long Sum(string stat, string key)
    {
        long sum = 0;
        foreach (var word in KernelText.Words(stat))
            if (word.StartsWith(key, StringComparison.Ordinal)
                && long.TryParse(word.AsSpan(key.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes))
                sum += bytes;
        return sum;
    }
}
