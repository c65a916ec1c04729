using System.Globalization;
using System.Text.RegularExpressions;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>Rates and weights, measured on what a job really got: steady over seconds, past the kernel's first slice.</summary>
[Collection(Measured.Name)]
public sealed partial class RateTests(LiveServer server) : IClassFixture<LiveServer>, IDisposable
{
    private const double Tolerance = 0.1;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Direct, for v1 does not know whose buffered writes are written; over a file that is there, so that only its own blocks are.
    [Fact]
    public async Task Every_rate_of_reading_and_writing_is_held_both_ways_within_a_tenth()
    {
        Assert.SkipWhen(Runner.Linux.Native.FileDevice.Of(_folder.Path).Major == 0, "the temporary folder is not on one block device");
        const string Read = "of=/dev/null iflag=direct", Write = "if=/dev/zero oflag=direct conv=notrunc";
        const string Bytes = "bs=64K count=64", Requests = "bs=4K count=400";
        const int Mebibyte = 1 << 20;
        // All at once: each job has its own cgroup and so its own rate.
        await Task.WhenAll(
            AssertRateAsync("--read-bps", "1M", $"{Read} {Bytes} if", Mebibyte),
            AssertRateAsync("--write-bps", "1M", $"{Write} {Bytes} of", Mebibyte),
            AssertRateAsync("--read-iops", "100", $"{Read} {Requests} if", 100 * 4096),
            AssertRateAsync("--write-iops", "100", $"{Write} {Requests} of", 100 * 4096),
            AssertRateAsync("--io-bps", "1M", $"{Read} {Bytes} if", Mebibyte),
            AssertRateAsync("--io-bps", "1M", $"{Write} {Bytes} of", Mebibyte));
    }

    [Fact]
    public async Task A_rate_holds_for_all_processes_of_a_job_together()
    {
        Assert.SkipWhen(Runner.Linux.Native.FileDevice.Of(_folder.Path).Major == 0, "the temporary folder is not on one block device");
        var file = await FileAsync();
        var job = await server.StartAsync("--device", file, "--read-bps", "1M", "--", "sh", "-c",
            $"for i in 1 2 3 4; do dd if={file} of=/dev/null bs=64K count=16 iflag=direct & done; wait");
        var ended = await server.EndAsync(job);
        var ran = ended.GetProperty("end").GetProperty("ended_at").GetDateTime() - ended.GetProperty("started_at").GetDateTime();
        Assert.InRange(ended.GetProperty("usage").GetProperty("read_bytes").GetInt64(), 4 << 20, 5 << 20); // and the programs themselves, if they were not in memory
        Assert.InRange(ran.TotalSeconds, 4 * (1 - Tolerance), 4 * (1 + Tolerance) + 0.5); // and a shell's start and end
    }

    [Fact]
    public async Task Two_jobs_on_one_core_share_it_by_their_weights()
    {
        LimitTests.PreferOverOtherPrograms(server);

        // They begin together, however long it took to start them.
        var go = _folder.At("go");
        string[] burn = ["--", "taskset", "-c", "0", "sh", "-c", "echo ready; while [ ! -e \"$0\" ]; do sleep 0.01; done; exec timeout 4 sh -c 'while :; do :; done'", go];
        var (light, heavy) = (await server.StartAsync(["--cpu-weight", "100", .. burn]), await server.StartAsync(["--cpu-weight", "300", .. burn]));
        foreach (var job in new[] { light, heavy })
        {
            await using var follower = server.Begin("logs", job);
            await follower.OutputHasAsync("ready\n");
        }
        await File.WriteAllTextAsync(go, "", TestContext.Current.CancellationToken);
        var (one, three) = (await UsedAsync(light), await UsedAsync(heavy));
        Assert.InRange(three / one, 3 * 0.85, 3 * 1.15);

        async Task<double> UsedAsync(string job) => (await server.EndAsync(job)).GetProperty("usage").GetProperty("cpu_seconds").GetDouble();
    }

    [Fact]
    public async Task A_fork_bomb_stays_within_its_limit_leaves_the_machine_to_others_and_dies_whole()
    {
        var job = await server.StartAsync("--pids", "64", "--cpu", "1", "--", "perl", "-e", "$| = 1; print qq(armed\n); fork while 1");
        await using (var follower = server.Begin("logs", "-f", job))
        {
            await follower.OutputHasAsync("armed\n");
            for (var look = 0; look < 5; look++)
            {
                Assert.Equal("fine\n", (await server.RunnerAsync("run", "--", "echo", "fine")).Expect(0).Output);
                Assert.InRange((await server.StatusAsync(job)).GetProperty("usage").GetProperty("pids").GetInt64(), 1, 64);
            }
            (await server.RunnerAsync("stop", "--grace", "0", job)).Expect(0);
            (await follower.EndAsync()).Expect(0);
        }
        Assert.DoesNotContain(server.Cgroups().SelectMany(Directory.GetDirectories), directory => directory.EndsWith(job, StringComparison.Ordinal));
    }

    /// <param name="option">The limit.</param>
    /// <param name="value">As it is typed.</param>
    /// <param name="words">For dd, up to the name of the file.</param>
    /// <param name="expected">Bytes a second.</param>
    private async Task AssertRateAsync(string option, string value, string words, double expected)
    {
        var file = await FileAsync();
        var ran = (await server.RunnerAsync(["run", "--device", file, option, value, "--", "dd", .. $"{words}={file}".Split(' ')])).Expect(0);
        var report = Report().Match(ran.Error);
        Assert.True(report.Success, ran.Error);
        var rate = Number("bytes") / Number("seconds");
        Assert.True(Math.Abs(rate - expected) <= expected * Tolerance, $"{option} {value}: {rate:0} bytes a second, not {expected:0}: {ran.Error}");

        double Number(string name) => double.Parse(report.Groups[name].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>A file with 4 MiB of its own on the disk.</summary>
    private async Task<string> FileAsync()
    {
        var path = _folder.At(Guid.NewGuid().ToString());
        await using var file = File.Create(path);
        await file.WriteAsync(new byte[4 << 20], TestContext.Current.CancellationToken);
        file.Flush(flushToDisk: true);
        return path;
    }

    [GeneratedRegex(@"(?m)^(?<bytes>[0-9]+) bytes .*copied, (?<seconds>[0-9.]+) s,")]
    private static partial Regex Report();
}
