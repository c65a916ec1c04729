using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Runner.Jobs;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>What is kept of a job's output, told where it is gone, and checked.</summary>
public sealed class OutputLimitTests(LiveServer server) : IClassFixture<LiveServer>
{
    private static readonly byte[] s_all = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, 100_000).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i}\n"))));

    [Fact]
    public async Task A_tail_is_printed_at_its_place_and_the_gap_is_told_beside_it()
    {
        var job = await server.StartAsync("--max-output", "128K", "--", "seq", "100000");
        var output = (await server.EndAsync(job)).GetProperty("output");
        var from = output.GetProperty("stdout_kept_from").GetInt32();
        Assert.InRange(s_all.Length - from, 7 * 16 * 1024, 128 * 1024);
        Assert.Equal((from, 128 * 1024, "keep-tail"), (output.GetProperty("stdout_dropped_bytes").GetInt32(), output.GetProperty("applied_max_bytes").GetInt32(), output.GetProperty("applied_policy").GetString()));

        foreach (string[] options in new string[][] { [], ["-t"], ["--both"], ["--no-follow"], ["--tail", "1000000"], ["--since", "1h"] })
        {
            var logs = (await server.RunnerAsync(["logs", job, .. options])).Expect(0);
            Assert.Equal($"runner: gap: bytes 0 to {from} of stdout are gone (output limit)\n", logs.Error);
            if (options is not ["-t"]) Assert.Equal(s_all[from..], logs.Bytes);
        }
        var inside = (await server.RunnerAsync("logs", job, "--offset", "1000", "--bytes", "3")).Expect(0);
        Assert.Equal(($"runner: gap: bytes 1000 to {from} of stdout are gone (output limit)\n", Encoding.ASCII.GetString(s_all, from, 3)), (inside.Error, inside.Output));
        var last = (await server.RunnerAsync("logs", job, "--tail", "2")).Expect(0);
        Assert.Equal(("", "99999\n100000\n"), (last.Error, last.Output));

        var status = (await server.RunnerAsync("status", job)).Expect(0).Output;
        Assert.Contains("(limit 128 KiB each, keep-tail)", status);
        Assert.Contains($"kept from byte {from})", status);
        Assert.Contains($"sha256   {Convert.ToHexStringLower(SHA256.HashData(s_all.AsSpan(from)))} stdout\n", status + "\n");
        Assert.Equal(
            $"stdout: {s_all.Length - from} bytes, sha256 {Convert.ToHexStringLower(SHA256.HashData(s_all.AsSpan(from)))}, as recorded\n"
            + $"stderr: 0 bytes, sha256 {Convert.ToHexStringLower(SHA256.HashData([]))}, as recorded\n",
            (await server.RunnerAsync("verify", job)).Expect(0).Output);
    }

    [Fact]
    public async Task A_follower_of_a_head_is_told_of_the_gap_and_the_job_goes_on()
    {
        var ran = (await server.RunnerAsync("run", "--max-output", "64K", "--output-policy", "keep-head", "--", "seq", "100000")).Expect(0);
        Assert.Equal(s_all[..65536], ran.Bytes);

        // When it begins, and the rest at the end.
        var told = ran.Error.TrimEnd('\n').Split('\n');
        Assert.InRange(told.Length, 1, 2);
        Assert.StartsWith("runner: gap: bytes 65536 to ", told[0], StringComparison.Ordinal);
        Assert.EndsWith($" to {s_all.Length} of stdout are gone (output limit)", told[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_may_write_no_more_is_ended_for_that()
    {
        var job = await server.StartAsync("--max-output", "64K", "--output-policy", "stop-job", "--grace", "1s", "--", "yes");
        var end = (await server.EndAsync(job)).GetProperty("end");
        Assert.Equal(("output-limit", 15), (end.GetProperty("reason").GetString(), end.GetProperty("signal").GetInt32()));
        Assert.Contains("stopped at its output limit", (await server.RunnerAsync("status", job)).Expect(0).Output);
        (await server.RunnerAsync("verify", job)).Expect(0);
    }

    [Fact]
    public async Task A_flipped_byte_and_a_missing_one_are_found()
    {
        // The server tells its log of what it cannot read.
        server.Expect("StreamOutput");
        var job = await server.ShellAsync("echo one; echo two >&2");
        await server.EndAsync(job);
        var file = Path.Combine(server.State, "jobs", job, "stdout");
        await File.WriteAllTextAsync(file, "oNe\n", TestContext.Current.CancellationToken);
        var ran = (await server.RunnerAsync("verify", job)).Expect(1);
        Assert.Matches("(?m)^stdout: 4 bytes, sha256 [0-9a-f]{64}, but [0-9a-f]{64} was recorded\nstderr: 4 bytes, sha256 [0-9a-f]{64}, as recorded$", ran.Output);
        using var json = JsonDocument.Parse((await server.RunnerAsync("verify", "--json", job)).Expect(1).Output);
        Assert.Equal((false, false, true), (json.RootElement.GetProperty("verified").GetBoolean(), json.RootElement.GetProperty("stdout").GetProperty("verified").GetBoolean(), json.RootElement.GetProperty("stderr").GetProperty("verified").GetBoolean()));

        await File.WriteAllTextAsync(file, "one", TestContext.Current.CancellationToken);
        Assert.Contains("could not be read whole", (await server.RunnerAsync("verify", job)).Expect(1).Output);
        await File.WriteAllTextAsync(file, "one\n", TestContext.Current.CancellationToken);
        (await server.RunnerAsync("verify", job, job)).Expect(0);

        var running = await server.StartAsync("--", "sleep", "1000");
        Assert.Contains("has not ended", (await server.RunnerAsync("verify", running)).Expect(1).Error);
        (await server.RunnerAsync("stop", running)).Expect(0);
    }

    [Fact]
    public async Task What_was_removed_while_the_job_ran_is_missed_and_keeps_no_end_back()
    {
        server.Expect("has output that cannot be read, so its digest is not recorded");
        server.Expect("StreamOutput");
        var (job, go) = (JobId.New().ToString(), server.At("removed"));
        await using var run = server.Begin("run", "--id", job, "--", "sh", "-c", $"echo one; while [ ! -e {go} ]; do sleep 0.02; done; exit 7");
        await run.OutputHasAsync("one\n");
        Directory.Delete(Path.Combine(server.State, "jobs", job), recursive: true);
        await File.WriteAllTextAsync(go, "", TestContext.Current.CancellationToken);
        Assert.Equal("one\n", (await run.EndAsync()).Expect(7).Output);
        Assert.Equal(7, (await server.StatusAsync(job)).GetProperty("end").GetProperty("code").GetInt32());
        Assert.Matches($"stdout: 0 bytes, .* could not be read whole: .*{job}/stdout", (await server.RunnerAsync("verify", job)).Expect(1).Output);
    }

    [Theory]
    [InlineData("--max-output 1K", "--max-output 1K: must be at least 64 KiB (65536) and at most 1 PiB")]
    [InlineData("--max-output 2P", "--max-output 2P: must be at least 64 KiB (65536) and at most 1 PiB")]
    [InlineData("--output-policy keep", "--output-policy keep: must be keep-tail, keep-head or stop-job")]
    public async Task What_cannot_be_is_refused_with_what_can(string options, string sentence) =>
        Assert.Equal($"runner: {sentence}\n", (await server.RunnerAsync(["start", .. options.Split(' '), "--", "true"])).Expect(2).Error);

    [Fact]
    public async Task With_a_keeper_what_was_given_up_stays_so_when_the_server_is_killed_in_between()
    {
        await server.StopAsync();
        await server.ServeAsync("--max-output", "128K");
        server.Expect("was killed by signal 9; its jobs go on");
        Assert.Contains("must be 65536 to 131072, the most this server keeps of a stream", (await server.RunnerAsync("start", "--max-output", "1M", "--", "true")).Expect(2).Error);
        var tail = await server.ShellAsync("seq 50000; while [ ! -e \"$0\" ]; do sleep 0.02; done; seq 50001 100000".Replace("$0", server.At("gate"), StringComparison.Ordinal));
        var head = await server.StartAsync("--output-policy", "keep-head", "--", "sh", "-c", $"seq 50000; while [ ! -e {server.At("gate")} ]; do sleep 0.02; done; seq 50001 100000");
        await using var follower = server.Begin("logs", "-f", "--offset", "250000", tail);
        await follower.OutputHasAsync("50000\n");
        server.KillServer();
        (await server.RunnerAsync("status", tail)).Expect(0); // the next server answers
        await File.WriteAllTextAsync(server.At("gate"), "", TestContext.Current.CancellationToken);
        (await server.RunnerAsync("wait", tail, head)).Expect(0);
        var ended = (await server.StatusAsync(tail)).GetProperty("output");
        var logs = (await server.RunnerAsync("logs", tail)).Expect(0);
        Assert.Equal(s_all[ended.GetProperty("stdout_kept_from").GetInt32()..], logs.Bytes);
        Assert.Equal(s_all[..131072], (await server.RunnerAsync("logs", head)).Expect(0).Bytes);
        Assert.Equal(s_all.Length, (await server.StatusAsync(head)).GetProperty("stdout_bytes").GetInt32());
        (await server.RunnerAsync("verify", tail, head)).Expect(0);
    }
}
