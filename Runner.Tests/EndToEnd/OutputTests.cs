using System.Security.Cryptography;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

public sealed class OutputTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Fact]
    public async Task Output_comes_back_byte_for_byte_whatever_the_bytes()
    {
        // Every byte value, broken UTF-8 and NULs among them, and no newline at the end.
        var bytes = RandomNumberGenerator.GetBytes(3_000_001);
        bytes[^1] = 0xff;
        await File.WriteAllBytesAsync(server.At("random"), bytes, TestContext.Current.CancellationToken);
        var job = await server.StartAsync("--", "cat", server.At("random"));
        await server.EndAsync(job);
        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData((await server.RunnerAsync("logs", job)).Expect(0).Bytes));
        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData((await server.RunnerAsync("logs", "--no-follow", job)).Expect(0).Bytes));
        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData((await server.RunnerAsync("run", "--", "cat", server.At("random"))).Expect(0).Bytes));
    }

    [Fact]
    public async Task The_two_streams_stay_apart()
    {
        var job = await server.ShellAsync("echo to out; echo to err >&2; printf more");
        await server.EndAsync(job);
        Assert.Equal("to out\nmore", (await server.RunnerAsync("logs", job)).Expect(0).Output);
        var errors = (await server.RunnerAsync("logs", "--stderr", job)).Expect(0);
        Assert.Equal("to err\n", errors.Output);
        Assert.Empty(errors.Error);
    }

    [Fact]
    public async Task A_job_may_open_its_streams_by_name()
    {
        var job = await server.ShellAsync("echo one >/dev/stdout; echo two >>/dev/stdout; echo three >/dev/stderr; echo four >/proc/self/fd/2");
        await server.EndAsync(job);
        Assert.Equal("one\ntwo\n", (await server.RunnerAsync("logs", job)).Output);
        Assert.Equal("three\nfour\n", (await server.RunnerAsync("logs", "--stderr", job)).Output);
    }

    [Fact]
    public async Task A_follower_sees_the_first_bytes_while_the_job_runs_and_late_ones_get_them_too()
    {
        using var folder = new TemporaryFolder();
        var gate = folder.At("gate");
        (await ChildProcess.ShellAsync("mkfifo \"$1\"", gate)).Expect(0);
        var job = await server.StartAsync("--", "sh", "-c", "printf first; cat \"$1\" >/dev/null; printf last", "sh", gate);
        await using var early = server.Begin("logs", "-f", job);
        await early.OutputHasAsync("first");
        Assert.Equal("running", (await server.StatusAsync(job)).GetProperty("state").GetString());
        Assert.Equal("first", (await server.RunnerAsync("logs", "--no-follow", job)).Expect(0).Output);
        await using var late = server.Begin("logs", job);
        await late.OutputHasAsync("first");

        await File.WriteAllTextAsync(gate, "", TestContext.Current.CancellationToken);
        Assert.Equal("firstlast", (await early.EndAsync()).Expect(0).Output);
        Assert.Equal("firstlast", (await late.EndAsync()).Expect(0).Output);
    }

    [Fact]
    public async Task A_follower_of_a_quiet_job_ends_when_the_job_does()
    {
        var job = await server.StartAsync("--", "sleep", "1000");
        await using var follower = server.Begin("logs", "--stderr", "-f", job);
        (await server.RunnerAsync("stop", job)).Expect(0);
        Assert.Empty((await follower.EndAsync()).Expect(0).Bytes);
    }

    [Fact]
    public async Task What_a_job_leaves_running_cannot_keep_its_followers()
    {
        var job = await server.ShellAsync("setsid sleep 1000 & echo gone");
        Assert.Equal("gone\n", (await server.RunnerAsync("logs", job)).Expect(0).Output);
        Assert.Equal(0, (await server.EndAsync(job)).GetProperty("end").GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task Logs_ends_quietly_when_its_reader_has_gone_and_the_job_goes_on()
    {
        var job = await server.ShellAsync("while echo y; do sleep 0.001; done");
        var ran = await ChildProcess.RunAsync(
            "/bin/bash", ["-c", "\"$0\" logs -f \"$1\" | head -n 1; echo \"${PIPESTATUS[0]}\"", RunnerBinary.Path, job], server.Environment());
        Assert.Equal("y\n141\n", ran.Expect(0).Output);
        Assert.Empty(ran.Error);
        Assert.Equal("running", (await server.StatusAsync(job)).GetProperty("state").GetString());
        (await server.RunnerAsync("stop", job)).Expect(0);
    }

    [Fact]
    public async Task A_follower_that_is_interrupted_ends_at_once_and_the_job_goes_on()
    {
        var job = await server.ShellAsync("echo ready; exec sleep 1000");
        await using var follower = server.Begin("logs", job);
        await follower.OutputHasAsync("ready\n");
        follower.Signal(ChildProcess.SigInt);
        (await follower.EndAsync()).Expect(128 + ChildProcess.SigInt);
        Assert.Equal("running", (await server.StatusAsync(job)).GetProperty("state").GetString());
        (await server.RunnerAsync("stop", job)).Expect(0);
    }

    [Fact]
    public async Task Follow_and_no_follow_together_are_refused() =>
        Assert.Contains("only one of them", (await server.RunnerAsync("logs", "-f", "--no-follow", Guid.NewGuid().ToString())).Expect(2).Error, StringComparison.Ordinal);
}
