using System.Text.Json;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

public sealed class RunCommandTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Theory, InlineData("exit 0", 0), InlineData("exit 3", 3), InlineData("exit 255", 255)]
    public async Task Run_ends_with_the_jobs_own_code(string script, int code)
    {
        var ran = (await server.RunnerAsync("run", "--", "sh", "-c", $"echo out; echo err >&2; {script}")).Expect(code);
        Assert.Equal("out\n", ran.Output);
        Assert.Equal("err\n", ran.Error);
    }

    [Theory, InlineData(9, "SIGKILL"), InlineData(15, "SIGTERM"), InlineData(1, "SIGHUP")]
    public async Task Run_of_a_job_that_a_signal_ends_gives_128_and_the_signal(int signal, string name)
    {
        var ran = (await server.RunnerAsync("run", "--", "sh", "-c", $"kill -{signal} $$")).Expect(128 + signal);
        Assert.Equal($"runner: job killed by {name}\n", ran.Error);
    }

    [Fact]
    public async Task Ctrl_C_at_run_stops_the_job_and_shows_what_it_still_says()
    {
        var id = Guid.NewGuid().ToString();
        await using var run = server.Begin("run", "--id", id, "--grace", "2m", "--", "sh", "-c", "trap 'echo bye; exit 5' TERM; echo ready; sleep 1000 & wait");
        await run.OutputHasAsync("ready\n");
        run.Signal(ChildProcess.SigInt);
        var ran = (await run.EndAsync()).Expect(5);
        Assert.Equal("ready\nbye\n", ran.Output);
        Assert.Contains("stopped by admin", ran.Error, StringComparison.Ordinal);
        Assert.Equal("stopped", End(await server.StatusAsync(id)).GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Ctrl_C_twice_at_run_kills_at_once_what_ignores_the_first()
    {
        var id = Guid.NewGuid().ToString();
        await using var run = server.Begin("run", "--id", id, "--grace", "1h", "--", "sh", "-c", "trap 'echo no' TERM; echo ready; while :; do sleep 1000 & wait; done");
        await run.OutputHasAsync("ready\n");
        run.Signal(ChildProcess.SigInt);
        await run.OutputHasAsync("no\n");
        run.Signal(ChildProcess.SigInt);
        (await run.EndAsync()).Expect(128 + ChildProcess.SigKill);
        Assert.Equal(ChildProcess.SigKill, End(await server.StatusAsync(id)).GetProperty("signal").GetInt32());
    }

    [Fact]
    public async Task Run_stops_its_job_when_nobody_reads_what_it_prints()
    {
        var id = Guid.NewGuid().ToString();
        var ran = await ChildProcess.RunAsync(
            "/bin/bash", ["-c", "\"$0\" run --id \"$1\" -- sh -c 'while echo y; do sleep 0.001; done' | head -n 1; echo \"${PIPESTATUS[0]}\"", RunnerBinary.Path, id], server.Environment());
        Assert.Equal("y\n141\n", ran.Expect(0).Output);
        Assert.Equal("stopped", End(await server.EndAsync(id)).GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_job_outlives_a_run_that_is_killed()
    {
        var id = Guid.NewGuid().ToString();
        await using var run = server.Begin("run", "--id", id, "--", "sh", "-c", "echo ready; exec sleep 1000");
        await run.OutputHasAsync("ready\n");
        run.Signal(ChildProcess.SigKill);
        (await run.EndAsync()).Expect(128 + ChildProcess.SigKill);
        Assert.Equal("running", (await server.StatusAsync(id)).GetProperty("state").GetString());
        (await server.RunnerAsync("stop", id)).Expect(0);
    }

    [Fact]
    public async Task Run_that_loses_its_server_says_so_with_125()
    {
        await using var lost = new LiveServer();
        lost.Expect("The processes that a former server left");
        await lost.InitializeAsync();
        await lost.StopAsync();
        await lost.ServeAsync("--no-keeper"); // or another one would go on with the job
        await using var run = lost.Begin("run", "--reconnect", "0", "--", "sh", "-c", "echo ready; exec sleep 1000");
        await run.OutputHasAsync("ready\n");
        await lost.CrashAsync();
        Assert.StartsWith("runner: ", (await run.EndAsync()).Expect(125).Error, StringComparison.Ordinal);
        await lost.ServeAsync();
        Assert.Contains("\"server-died\"", (await lost.RunnerAsync("list", "--all", "--json")).Expect(0).Output, StringComparison.Ordinal);
    }

    private static JsonElement End(JsonElement status) => status.GetProperty("end");
}
