using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

public sealed class SignalTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Theory, InlineData("usr1"), InlineData("SIGUSR1"), InlineData("10")]
    public async Task A_signal_reaches_the_main_process_by_name_or_number(string signal)
    {
        var job = await server.ShellAsync("trap 'echo heard; exit 6' USR1; echo ready; while :; do sleep 0.02; done");
        await ReadyAsync(job);
        Assert.Empty((await server.RunnerAsync("signal", job, signal)).Expect(0).Output);
        var end = (await server.EndAsync(job)).GetProperty("end");
        Assert.Equal(("exited", 6), (end.GetProperty("reason").GetString(), end.GetProperty("code").GetInt32()));
        Assert.Equal("ready\nheard\n", (await server.RunnerAsync("logs", job)).Output);
    }

    [Fact]
    public async Task With_all_it_reaches_the_children_too_and_kills_are_nobodys_stop()
    {
        var job = await server.ShellAsync("trap : USR1; sh -c 'echo ready; exec sleep 1000'; c=$?; sleep 1000 & echo child $c; wait");
        await ReadyAsync(job);
        (await server.RunnerAsync("signal", job, "USR1", "--all")).Expect(0);
        await using (var follower = server.Begin("logs", job)) await follower.OutputHasAsync("child ");
        (await server.RunnerAsync("signal", job, "KILL")).Expect(0);
        var end = (await server.EndAsync(job)).GetProperty("end");
        Assert.Equal(("signaled", 9), (end.GetProperty("reason").GetString(), end.GetProperty("signal").GetInt32()));
        Assert.Equal(1, end.GetProperty("leftover_processes").GetInt32());
    }

    [Fact]
    public async Task What_cannot_be_signalled_is_refused()
    {
        var (unknown, job) = (Guid.NewGuid().ToString(), await server.StartAsync("--", "true"));
        await server.EndAsync(job);
        (await server.RunnerAsync("signal", job, "TERM")).ExpectRefusal(1, "has already ended");
        (await server.RunnerAsync("signal", unknown, "TERM")).ExpectRefusal(127, $"no job {unknown}");
        (await server.RunnerAsync("signal", unknown, "TERMINATE")).ExpectRefusal(2, "signal TERMINATE: must be 1 to 64, or a name such as TERM, SIGUSR1 or RTMIN+3");
        (await server.RunnerAsync("stop", "--signal", "65", unknown)).ExpectRefusal(2, "--signal 65: must be 1 to 64");
        (await server.RunnerAsync("signal", unknown)).ExpectRefusal(2, "signal");
    }

    [Fact]
    public async Task A_stop_may_begin_with_another_signal()
    {
        var job = await server.StartAsync("--grace", "1h", "--", "sh", "-c", "trap '' TERM; trap 'exit 8' INT; echo ready; while :; do sleep 0.02; done");
        await ReadyAsync(job);
        Assert.StartsWith("ended: stopped by admin (it exited with code 8)", (await server.RunnerAsync("stop", "--signal", "int", job)).Expect(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ends_with_the_code_of_a_job_that_timed_out_and_says_so()
    {
        var ran = (await server.RunnerAsync("run", "--timeout", "200ms", "--", "sleep", "1000")).Expect(128 + 15);
        Assert.Equal("runner: job stopped at its time limit (killed by SIGTERM)\n", ran.Error);
        var obeyed = (await server.RunnerAsync("run", "--timeout", "4", "--", "sh", "-c", "exec 2>/dev/null; trap 'exit 0' TERM; while :; do sleep 0.02; done")).Expect(0);
        Assert.Equal("runner: job stopped at its time limit (it exited with code 0)\n", obeyed.Error);
    }

    [Theory, InlineData("0", "must be more than 0 s and at most 3650 days"), InlineData("3651d", "must be at most 3650d"), InlineData("soon", "must be a time")]
    public async Task A_timeout_that_is_none_is_refused(string timeout, string reason) =>
        (await server.RunnerAsync("start", "--timeout", timeout, "--", "true")).ExpectRefusal(2, $"--timeout {timeout}: {reason}");

    [Fact]
    public async Task Status_tells_what_the_record_holds_and_what_was_asked_for_where_it_differs()
    {
        var job = await server.StartAsync("--timeout", "1h", "--memory", "67108865", "--", "sh", "-c", "sleep 1000 & sleep 0.1; exit 3");
        var status = await server.EndAsync(job);
        Assert.Equal(3600, status.GetProperty("timeout_seconds").GetDouble());
        Assert.Equal(1, status.GetProperty("end").GetProperty("leftover_processes").GetInt32());
        Assert.True(status.GetProperty("usage").GetProperty("voluntary_switches").GetInt64() > 0);
        var shown = (await server.RunnerAsync("status", job)).Expect(0).Output.Split('\n');
        Assert.Contains("state    ended: exited with code 3", shown);
        Assert.Contains("timeout  1 h 0 m 0 s", shown);
        Assert.Contains("leftover 1 process, killed when the main one had gone", shown);
        Assert.Contains(shown, row => row.StartsWith("memory ", StringComparison.Ordinal) && row.EndsWith("(limit 64 MiB, asked for 67108865)", StringComparison.Ordinal));
        Assert.Contains(shown, row => row.StartsWith("switches ", StringComparison.Ordinal));
    }

    private async Task ReadyAsync(string job)
    {
        await using var follower = server.Begin("logs", job);
        await follower.OutputHasAsync("ready\n");
    }
}
