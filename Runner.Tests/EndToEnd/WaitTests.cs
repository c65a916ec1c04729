using System.Text.Json;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>`wait` ends when jobs do, and with what they ended with.</summary>
public sealed class WaitTests(LiveServer server) : IClassFixture<LiveServer>
{
    private const string UntilTold = "trap 'exit 5' TERM; echo ready; sleep 1000 & wait";

    [Theory, InlineData("exit 0", 0, ""), InlineData("exit 7", 7, ""), InlineData("kill -9 $$", 137, " killed by SIGKILL")]
    public async Task A_wait_ends_with_the_jobs_own_code(string script, int code, string remark)
    {
        var job = await server.ShellAsync(script);
        var ran = (await server.RunnerAsync("wait", job)).Expect(code);
        Assert.Equal(("", remark.Length > 0 ? $"runner: job {job}{remark}\n" : ""), (ran.Output, ran.Error));
    }

    [Fact]
    public async Task A_wait_for_a_job_that_runs_lasts_until_it_ends()
    {
        var job = await server.StartAsync("--grace", "2m", "--", "sh", "-c", UntilTold);
        await using var wait = server.Begin("wait", "--json", job);
        await ReadyAsync(job);
        (await server.RunnerAsync("stop", job)).Expect(0);
        using var told = JsonDocument.Parse((await wait.EndAsync()).Expect(5).Output);
        Assert.Equal("stopped", told.RootElement.GetProperty("end").GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_wait_for_several_ends_with_0_only_if_all_did_and_else_with_the_first_that_did_not()
    {
        string[] jobs = [await server.ShellAsync("exit 0"), await server.ShellAsync("sleep 0.5; exit 3"), await server.ShellAsync("exit 4")];
        (await server.RunnerAsync("wait", jobs[0], jobs[0])).Expect(0);
        (await server.RunnerAsync(["wait", .. jobs])).Expect(3);
        var ran = (await server.RunnerAsync(["wait", "--json", .. jobs.Reverse()])).Expect(4);
        Assert.Equal(jobs.Reverse(), ran.Output.TrimEnd('\n').Split('\n').Select(line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetString()));
    }

    [Fact]
    public async Task A_wait_for_any_ends_with_the_first_that_ended_and_prints_it()
    {
        string[] jobs = [await server.ShellAsync(UntilTold), await server.ShellAsync(UntilTold), await server.ShellAsync(UntilTold)];
        await Task.WhenAll(jobs.Select(ReadyAsync));
        await using var wait = server.Begin(["wait", "--any", .. jobs]);
        (await server.RunnerAsync("stop", jobs[1])).Expect(0);
        Assert.Equal($"{jobs[1]}\n", (await wait.EndAsync()).Expect(5).Output);
        (await server.RunnerAsync("stop", jobs[0])).Expect(0);
        Assert.Equal($"{jobs[1]}\n", (await server.RunnerAsync(["wait", "--any", .. jobs])).Expect(5).Output);
        (await server.RunnerAsync("stop", jobs[2])).Expect(0);
    }

    [Theory, InlineData("0", "0 s"), InlineData("200ms", "0.2 s")]
    public async Task A_wait_that_was_not_long_enough_ends_with_124_and_says_so(string timeout, string shown)
    {
        string[] jobs = [await server.StartAsync("--", "sleep", "1000"), await server.ShellAsync("exit 0")];
        await server.EndAsync(jobs[1]);
        (await server.RunnerAsync("wait", "--timeout", timeout, jobs[0])).ExpectRefusal(124, $"job {jobs[0]} still runs after {shown}");
        (await server.RunnerAsync("wait", "--timeout", timeout, jobs[0], jobs[1])).ExpectRefusal(124, $"1 of 2 jobs still runs after {shown}");
        (await server.RunnerAsync("wait", "--timeout", timeout, jobs[1])).Expect(0);
        (await server.RunnerAsync("wait", "--timeout", timeout, "--any", jobs[0], jobs[1])).Expect(0);
        Assert.Equal("running", (await server.StatusAsync(jobs[0])).GetProperty("state").GetString());
        (await server.RunnerAsync("stop", jobs[0])).Expect(0);
    }

    [Fact]
    public async Task A_job_that_is_not_there_is_told_at_once_though_another_runs()
    {
        var job = await server.StartAsync("--", "sleep", "1000");
        var unknown = Guid.NewGuid().ToString();
        (await server.RunnerAsync("wait", job, unknown)).ExpectRefusal(127, $"no job {unknown}");
        (await server.RunnerAsync("wait", "--any", job, unknown)).ExpectRefusal(127, $"no job {unknown}");
        (await server.RunnerAsync("stop", job)).Expect(0);
    }

    [Fact]
    public async Task A_wait_that_makes_no_sense_is_refused()
    {
        (await server.RunnerAsync("wait", "--timeout", "soon", "x")).ExpectRefusal(2, "--timeout soon: must be a time such as 500ms, 5s, 2m or 1h");
        (await server.RunnerAsync("wait", "--timeout", "50d", "x")).ExpectRefusal(2, "--timeout 50d: must be at most 49d; without it there is no limit");
        (await server.RunnerAsync(["wait", .. Enumerable.Repeat("x", 101)])).ExpectRefusal(2, "101 jobs: at most 100 can be waited for at once");
    }

    private async Task ReadyAsync(string job)
    {
        await using var follower = server.Begin("logs", job);
        await follower.OutputHasAsync("ready\n");
    }
}
