using System.Diagnostics;
using System.Globalization;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

public sealed class StopTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Fact]
    public async Task Stop_answers_with_the_end_and_the_last_lines_of_both_streams()
    {
        var job = await server.StartAsync("--grace", "2m", "--", "sh", "-c", "trap 'echo bye; exit 0' TERM; seq 100; echo trouble >&2; echo ready; sleep 1000 & wait");
        await ReadyAsync(job);
        var shown = (await server.RunnerAsync("stop", job)).Expect(0).Output;
        Assert.Equal(
            "ended: stopped by admin (it exited with code 0)\nlast of stdout:\n" +
            string.Concat(Enumerable.Range(93, 8).Select(line => $"  {line}\n")) + "  ready\n  bye\nlast of stderr:\n  trouble\n", shown);
        var end = (await server.StatusAsync(job)).GetProperty("end");
        Assert.Equal(("stopped", "admin", 0), (end.GetProperty("reason").GetString(), end.GetProperty("by").GetString(), end.GetProperty("code").GetInt32()));
    }

    [Fact]
    public async Task Stop_takes_processes_that_left_the_session_and_ignore_SIGTERM()
    {
        var job = await server.ShellAsync("""
            setsid sh -c 'trap "" TERM; echo pid $$; setsid sleep 1000 & wait' &
            setsid setsid sh -c 'trap "" TERM HUP INT; echo pid $$; sleep 1000' &
            trap 'exit 0' TERM; echo pid $$; while :; do sleep 1000 & wait; done
            """);
        await using var follower = server.Begin("logs", job);
        await follower.OutputHasAsync("pid ");
        var cgroup = server.Cgroups().Select(root => $"{root}/{job}/cgroup.procs").First(File.Exists);
        while (follower.Output.Split("pid ").Length < 4) await follower.OutputReachesAsync(follower.Bytes.Length + 1);
        var processes = (await File.ReadAllLinesAsync(cgroup, TestContext.Current.CancellationToken)).ToList();
        Assert.True(processes.Count >= 3, string.Join(' ', processes));

        (await server.RunnerAsync("stop", "--grace", "200ms", job)).Expect(0);
        Assert.DoesNotContain(processes, process => Processes.IsAlive(int.Parse(process, CultureInfo.InvariantCulture)));
        Assert.DoesNotContain(server.Cgroups(), root => Directory.Exists($"{root}/{job}"));
    }

    [Fact]
    public async Task A_job_has_its_grace_period_to_end_by_itself()
    {
        var job = await server.StartAsync("--grace", "50s", "--", "sh", "-c", "trap 'sleep 1; echo done; exit 7' TERM; echo ready; sleep 1000 & wait");
        await ReadyAsync(job);
        var clock = Stopwatch.StartNew();
        Assert.Contains("done", (await server.RunnerAsync("stop", job)).Expect(0).Output, StringComparison.Ordinal);
        Assert.InRange(clock.Elapsed.TotalSeconds, 1, 40);
        Assert.Equal(7, (await server.StatusAsync(job)).GetProperty("end").GetProperty("code").GetInt32());
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_job_that_ignores_SIGTERM_is_killed_when_its_grace_period_is_over(bool inStop)
    {
        string[] grace = ["--grace", "1500ms"], none = [];
        var job = await server.StartAsync([.. inStop ? none : grace, "--", "sh", "-c", "trap '' TERM; echo ready; sleep 1000"]);
        await ReadyAsync(job);
        var clock = Stopwatch.StartNew();
        (await server.RunnerAsync(["stop", .. inStop ? grace : none, job])).Expect(0);
        Assert.InRange(clock.Elapsed.TotalSeconds, 1.5, 30);
        Assert.Equal(ChildProcess.SigKill, (await server.StatusAsync(job)).GetProperty("end").GetProperty("signal").GetInt32());
    }

    [Fact]
    public async Task A_grace_period_of_nothing_kills_at_once()
    {
        var job = await server.StartAsync("--grace", "1h", "--", "sh", "-c", "trap 'echo heard' TERM; echo ready; while :; do sleep 1000 & wait; done");
        await ReadyAsync(job);
        Assert.DoesNotContain("heard", (await server.RunnerAsync("stop", "--grace", "0", job)).Expect(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_ended_job_cannot_be_stopped()
    {
        var job = await server.StartAsync("--", "true");
        await server.EndAsync(job);
        (await server.RunnerAsync("stop", job)).ExpectRefusal(1, "has already ended");
        Assert.Equal("exited", (await server.StatusAsync(job)).GetProperty("end").GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Two_who_stop_the_same_job_both_learn_its_end()
    {
        var job = await server.StartAsync("--", "sleep", "1000");
        var both = await Task.WhenAll(server.RunnerAsync("stop", job), server.RunnerAsync("stop", job));
        Assert.All(both, ran => Assert.True(ran.Code == 0 || ran.Error.Contains("has already ended", StringComparison.Ordinal), ran.Error));
        Assert.Contains(both, ran => ran.Code == 0);
    }

    [Theory, InlineData("-1s"), InlineData("soon"), InlineData("2h")]
    public async Task A_grace_period_that_is_none_is_refused_and_stops_nothing(string grace)
    {
        var job = await server.StartAsync("--", "sleep", "1000");
        (await server.RunnerAsync("stop", $"--grace={grace}", job)).ExpectRefusal(2, "grace");
        Assert.Equal("running", (await server.StatusAsync(job)).GetProperty("state").GetString());
        (await server.RunnerAsync("stop", job)).Expect(0);
    }

    private async Task ReadyAsync(string job)
    {
        await using var follower = server.Begin("logs", job);
        await follower.OutputHasAsync("ready\n");
    }
}
