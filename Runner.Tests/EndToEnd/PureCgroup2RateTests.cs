using System.Globalization;
using System.Text.Json;
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
        var ran = await Vm.Run(TimeSpan.FromMinutes(4), "bash", Repository.At("Runner.Tests", "EndToEnd", "guest-rates.sh"), RunnerBinary.Path);
        Assert.True(ran.ExitCode == 0, $"{ran.ExitCode}\n{ran.Output}\n{ran.Error}");
        var lines = ran.Output.TrimEnd('\n').Split('\n').ToLookup(line => line.Split(' ')[0], line => line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
        var jobs = ran.Output.Split('\n').Where(line => line.StartsWith('{')).Select(line => JsonDocument.Parse(line).RootElement)
            .ToDictionary(job => job.GetProperty("name").GetString()!);

        foreach (var name in new[] { "read-bps", "write-bps", "io-bps", "buffered" })
            Assert.InRange(RateOf(Assert.Single(lines[name])), MostBelow * (1 << 20), MostAbove * (1 << 20));
        foreach (var name in new[] { "read-iops", "write-iops" })
            Assert.InRange(RateOf(Assert.Single(lines[name])) / 4096, MostBelow * 100, MostAbove * 100);

        // Microseconds of both at one moment and some seconds later, without what it took to start them.
        var used = Assert.Single(lines["weights"]).Split(' ').Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        Assert.InRange((used[3] - used[1]) / (used[2] - used[0]), 3 * 0.85, 3 * 1.15);

        // Held back, not killed: its time was over before it had what it wanted.
        Assert.Equal(("exited", 124), EndOf("high"));
        Assert.Empty(lines["high"]);
        Assert.InRange(jobs["high"].GetProperty("usage").GetProperty("memory_peak_bytes").GetInt64(), 8 << 20, 18 << 20);
        Assert.Equal(["16777216"], lines["low"]);
        Assert.Equal(("exited", 0), EndOf("low"));

        Assert.Equal(["125"], lines["full"]);
        Assert.StartsWith("runner: clone3: Resource temporarily unavailable; no more processes fit", Assert.Single(lines["full-error"]), StringComparison.Ordinal);
        Assert.Equal(["0"], lines["server"]);
        Assert.Empty(lines["left"]);
        Assert.Empty(lines["log"]);

        (string? Reason, int Code) EndOf(string name) =>
            (jobs[name].GetProperty("end").GetProperty("reason").GetString(), jobs[name].GetProperty("end").GetProperty("code").GetInt32());
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
