using System.Diagnostics;
using Runner.Jobs;
using Runner.Keeper;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>How a job went is known from the moment that the keeper learns it, whoever dies after that.</summary>
public sealed class KeptExitsTests(LiveServer server) : IClassFixture<LiveServer>
{
    private static readonly string[] s_leave = ["--on-stop", "leave"];

    [Fact]
    public async Task What_ended_before_server_and_keeper_died_has_its_exact_end_and_the_rest_is_lost()
    {
        server.Expect("The processes that a former server left in");
        await server.ReloadAsync(); // the keeper writes on after it has replaced itself
        var (job, running) = (await server.GatedAsync("go", 7), await server.ShellAsync("sleep 1000"));
        KeptServer.Signal(server.Id, ChildProcess.SigStop);
        await GoAsync("go", [job]);
        await server.CrashAsync();
        await server.ServeAsync();
        await ExactAsync(job);
        var lost = (await server.StatusAsync(running)).GetProperty("end");
        Assert.Equal(("lost", "keeper-died"), (lost.GetProperty("reason").GetString(), lost.GetProperty("lost_reason").GetString()));
        await ClearedAsync();
    }

    [Fact]
    public async Task What_ended_while_a_keeper_waited_alone_that_then_died_has_its_exact_end()
    {
        server.Expect("The processes that a former server left in");
        await server.StopAsync();
        await server.ServeAsync(s_leave);
        var job = await server.GatedAsync("leave", 7);
        var keeper = Processes.ParentOf((await server.StatusAsync(job)).GetProperty("pid").GetInt32());
        await server.LeaveAsync();
        await GoAsync("leave", [job]);
        using (var process = Process.GetProcessById(keeper))
        {
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(ChildProcess.Limit, TestContext.Current.CancellationToken);
        }
        await server.ServeAsync();
        await ExactAsync(job);
        await ClearedAsync();
    }

    [Fact]
    public async Task Without_a_keeper_that_serves_on_what_is_written_down_is_told_too()
    {
        server.Expect("The processes that a former server left in");
        var job = await server.GatedAsync("none", 7);
        KeptServer.Signal(server.Id, ChildProcess.SigStop);
        await GoAsync("none", [job]);
        await server.CrashAsync();
        await server.ServeAsync("--no-keeper");
        await ExactAsync(job);
        Assert.False(File.Exists(Path.Combine(server.State, "exits")));
        await server.StopAsync();
        await server.ServeAsync();
    }

    [Fact]
    public async Task More_exits_than_the_line_to_a_server_that_is_stopped_holds_are_all_kept()
    {
        using var client = server.Connect();
        (await ChildProcess.ShellAsync("mkfifo \"$1\"", server.At("gate"))).Expect(0);
        var spec = new JobSpec { Command = "/bin/sh", Args = ["-c", "read x <\"$0\"; exit 5", server.At("gate")] };
        var jobs = new List<JobId>();
        for (var i = 0; i < 500; i++) jobs.Add((await client.StartAsync(JobId.New(), spec, TestContext.Current.CancellationToken)).Record.Id);
        var serving = server.Id;
        KeptServer.Signal(serving, ChildProcess.SigStop);
        try
        {
            // Each that has not come as far as opening it yet gets its end of file from a later turn.
            await Until.SoAsync(async () =>
            {
                (await ChildProcess.ShellAsync("timeout 1 sh -c ': >\"$0\"' \"$1\" || true; sleep 0.05", server.At("gate"))).Expect(0);
                return Written().Count(jobs.Contains) == jobs.Count;
            }, "all exits are written down");
            Assert.Empty(Processes.ZombiesOf(server.KeeperId));
        }
        finally
        {
            KeptServer.Signal(serving, ChildProcess.SigCont);
        }
        foreach (var job in jobs) Assert.Equal(new JobEnd.Exited(5), (await client.WaitAsync(job, TestContext.Current.CancellationToken)).End);
        Assert.Equal(serving, server.Id);
        await ClearedAsync();
    }

    private async Task GoAsync(string go, string[] jobs)
    {
        await server.GoAsync(go);
        await Until.SoAsync(() => jobs.All(job => Written().Contains(JobId.Parse(job))), "the exits are written down");
    }

    private async Task ExactAsync(string job)
    {
        var end = (await server.StatusAsync(job)).GetProperty("end");
        Assert.Equal(("exited", 7), (end.GetProperty("reason").GetString(), end.GetProperty("code").GetInt32()));

        // What it said last was still in the pipe, and died with the keeper.
        Assert.Equal("one\n", (await server.RunnerAsync("logs", job)).Expect(0).Output);
        await server.VerifiedAsync(job);
    }

    private Task ClearedAsync() => Until.SoAsync(() => Written().Count == 0, "what was written down is stored");

    private IReadOnlyCollection<JobId> Written() => [.. ExitFile.Read(server.State, ExitFile.ThisBoot()).Keys];
}
