using System.Globalization;
using Runner.Jobs;

namespace Runner.Linux.Cgroups.V2;

/// <summary>Rates of reading and writing by <c>io.max</c>, weight by <c>io.weight</c> and <c>io.bfq.weight</c>, and bytes and
/// requests by <c>io.stat</c>, all devices together.</summary>
sealed class IoV2() : Controller("io")
{
    private const long MostBfqWeight = 1000;

    public override IEnumerable<LimitFile> ToFiles(ResourceLimits limits)
    {
        if (limits.IoWeight is { } weight)
        {
            var value = KernelText.Number(weight);
            // Each is for another way of sharing a disk: io.cost and the BFQ scheduler. A job has its weight in both.
            yield return new LimitFile("io.weight", value, "io weight", value, Or: "io.bfq.weight");
            yield return new LimitFile("io.bfq.weight", KernelText.Number(Math.Min(weight, MostBfqWeight)), "io weight", value, IfPresent: true);
        }
        if (limits.Io is not { } io)
            yield break;
        // The kernel takes one device at a time.
        var rates = string.Concat(new[] { ("rbps", io.ReadBps), ("wbps", io.WriteBps), ("riops", io.ReadIops), ("wiops", io.WriteIops) }
            .Select(rate => rate.Item2 is { } most ? $" {rate.Item1}={KernelText.Number(most)}" : ""));
        foreach (var device in io.Devices)
            yield return new LimitFile("io.max", device + rates, "io", device + rates);
    }

    // "8:0 rbps=1048576 wbps=max riops=max wiops=max", a line for each device that has a limit.
    public override ResourceLimits FromFiles(Func<string, string?> read, ResourceLimits limits)
    {
        var rates = new DeviceRates();
        foreach (var line in (read("io.max") ?? "").Split('\n'))
        {
            var words = KernelText.Words(line);
            foreach (var word in words.Skip(1))
                if (word.Split('=') is [var key, var number] && KernelText.ReadNumber(number) is { } rate)
                    rates.Add(key, words[0], rate);
        }
        return limits with
        {
            Io = rates.Of("rbps", "wbps", "riops", "wiops"),
            IoWeight = KernelText.ReadKey(read("io.weight"), "default") ?? KernelText.ReadKey(read("io.bfq.weight"), "default")
                ?? KernelText.ReadNumber(read("io.bfq.weight")),
        };
    }

    public override ResourceUsage ReadUsage(Func<string, string?> read, ResourceUsage usage)
    {
        if (read("io.stat") is not { } stat)
            return usage;
        return usage with
        {
            ReadBytes = Sum(stat, "rbytes="),
            WrittenBytes = Sum(stat, "wbytes="),
            ReadOperations = Sum(stat, "rios="),
            WrittenOperations = Sum(stat, "wios="),
        };
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
