using System.Globalization;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>A server that hangs is replaced; one that only pauses is not.</summary>
[Collection(Measured.Name)]
public sealed class WatchdogTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Fact]
    public async Task A_keeper_can_be_as_patient_as_one_may_say()
    {
        await server.StopAsync();
        await server.ServeAsync("--watchdog", "3650d");
        (await server.RunnerAsync("run", "--", "sh", "-c", "exit 4")).Expect(4);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_its_keeper_is_replaced_and_its_jobs_lose_nothing()
    {
        await server.StopAsync();
        await server.ServeAsync("--watchdog", "3s");
        server.Expect("the server has not answered for 3 s, so it is killed");
        server.Expect("was killed by signal 9; its jobs go on");
        var go = server.At("go");
        var job = await server.StartAsync("--", "sh", "-c", "echo one; while [ ! -e \"$1\" ]; do sleep 0.05; done; echo two; exit 7", "sh", go);
        var hung = ServerId();
        (await ChildProcess.ShellAsync("kill -STOP $1", hung)).Expect(0);

        // Waits in the socket's backlog for the next server.
        (await server.RunnerAsync("status", job)).Expect(0);
        Assert.NotEqual(hung, ServerId());
        await File.WriteAllTextAsync(go, "", TestContext.Current.CancellationToken);
        Assert.Equal(7, (await server.EndAsync(job)).GetProperty("end").GetProperty("code").GetInt32());
        Assert.Equal("one\ntwo\n", (await server.RunnerAsync("logs", job)).Expect(0).Output);
    }

    [Fact]
    public async Task A_server_that_pauses_for_less_than_the_watchdog_s_time_goes_on()
    {
        await server.StopAsync();
        await server.ServeAsync("--watchdog", "20s");
        var paused = ServerId();
        var job = await server.ShellAsync("sleep 1; echo after; exit 3");
        (await ChildProcess.ShellAsync("kill -STOP $1; sleep 2; kill -CONT $1", paused)).Expect(0);
        Assert.Equal(3, (await server.EndAsync(job)).GetProperty("end").GetProperty("code").GetInt32());
        Assert.Equal("after\n", (await server.RunnerAsync("logs", job)).Expect(0).Output);
        Assert.Equal(paused, ServerId());
    }

    [Fact]
    public async Task A_keeper_that_was_paused_itself_does_not_blame_the_server()
    {
        await server.StopAsync();
        await server.ServeAsync("--watchdog", "3s");
        var before = ServerId();
        (await ChildProcess.ShellAsync("kill -STOP $1; sleep 7; kill -CONT $1", server.KeeperId.ToString(CultureInfo.InvariantCulture))).Expect(0);
        (await server.RunnerAsync("run", "--", "sleep", "0.5")).Expect(0);
        Assert.Equal(before, ServerId());
    }

    [Theory, InlineData("999ms"), InlineData("0")]
    public async Task A_watchdog_without_patience_is_refused(string time) =>
        (await RunnerBinary.RunAsync("serve", "--watchdog", time)).ExpectRefusal(2, $"--watchdog {time}: must be at least 1s");

    private string ServerId() => server.Id.ToString(CultureInfo.InvariantCulture);
}
