using System.Globalization;
using System.Text.RegularExpressions;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>What only cgroup v2 can hold, and what it holds in other files than v1, measured on a stock kernel in a virtual machine.</summary>
[Collection(Measured.Name)]
public sealed partial class PureCgroup2RateTests
{
    // A processor without hardware's help may be too slow for a rate; no rate is ever too fast for it.
    private const double MostAbove = 1.1, MostBelow = 0.75;

    [Fact]
    public async Task Rates_weights_and_memory_are_held_where_there_is_only_cgroup_v2()
    {
        var guest = await Guest.RunAsync("guest-rates.sh", TimeSpan.FromMinutes(8));
        var lines = guest.Lines;

        foreach (var name in new[] { "read-bps", "write-bps", "io-bps", "buffered" })
            Assert.InRange(RateOf(guest.Line(name)), MostBelow * (1 << 20), MostAbove * (1 << 20));
        foreach (var name in new[] { "read-iops", "write-iops" })
            Assert.InRange(RateOf(guest.Line(name)) / 4096, MostBelow * 100, MostAbove * 100);

        // Microseconds of both at one moment and some seconds later, without what it took to start them.
        var used = guest.Line("weights").Split(' ').Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        Assert.InRange((used[3] - used[1]) / (used[2] - used[0]), 3 * 0.85, 3 * 1.15);

        // Held back, not killed: its time was over before it had what it wanted.
        Assert.Equal(("exited", 124), guest.EndOf("high"));
        Assert.Empty(lines["high"]);
        Assert.InRange(guest.Job("high").GetProperty("usage").GetProperty("memory_peak_bytes").GetInt64(), 8 << 20, 18 << 20);
        Assert.Equal(["16777216"], lines["low"]);
        Assert.Equal(("exited", 0), guest.EndOf("low"));

        Assert.Equal(["125"], lines["full"]);
        Assert.StartsWith("runner: clone3: Resource temporarily unavailable; no more processes fit", guest.Line("full-error"), StringComparison.Ordinal);
        Assert.Equal(["0"], lines["server"]);
        Assert.Empty(lines["left"]);
        Assert.Empty(lines["log"]);
    }

    /// <summary>Bytes a second, as dd tells them of itself.</summary>
    private static double RateOf(string report)
    {
        var match = Report().Match(report);
        Assert.True(match.Success, report);
        return double.Parse(match.Groups["bytes"].Value, CultureInfo.InvariantCulture) / double.Parse(match.Groups["seconds"].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex("^(?<bytes>[0-9]+) bytes .*copied, (?<seconds>[0-9.]+) s,")]
    private static partial Regex Report();
}
