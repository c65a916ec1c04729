using System.Security.Cryptography;
using Runner.Client;
using Runner.Jobs;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>Commands that wait for a job do not notice that its server was killed meanwhile, but for a line on the terminal.</summary>
public sealed class ReconnectTests(LiveServer server) : IClassFixture<LiveServer>
{
    // Once a server: gone, and back.
    private const string Told = "^(runner: connection to 127[.]0[.]0[.]1:[0-9]+ lost; reconnecting\nrunner: reconnected after [0-9]+[.][0-9] s\n){1,3}$";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_follower_gets_each_of_100_MiB_once_through_servers_that_are_killed()
    {
        const int Size = 100 << 20;
        await KeepAsync();
        using var folder = new TemporaryFolder();
        var job = await server.ShellAsync("seq 1 20000000 | for i in $(seq 25); do dd bs=4M count=1 iflag=fullblock 2>/dev/null; sleep 0.05; done");
        await using var follower = ChildProcess.Start("/bin/sh", ["-c", "exec \"$0\" logs -f \"$1\" >\"$2\"", RunnerBinary.Path, job, folder.At("out")], server.Environment());
        for (var kill = 1; kill <= 3; kill++)
        {
            var enough = kill * (Size / 5);
            await Until.SoAsync(() => File.Exists(folder.At("out")) && new FileInfo(folder.At("out")).Length >= enough, $"the follower has {enough} bytes");
            server.KillServer();
        }
        Assert.Matches(Told, (await follower.EndAsync()).Expect(0).Error);
        var expected = (await ChildProcess.ShellAsync($"seq 1 20000000 | head -c {Size} | sha256sum")).Output[..64];
        await using var file = File.OpenRead(folder.At("out"));
        Assert.Equal(expected, Convert.ToHexStringLower(await SHA256.HashDataAsync(file, Token)));
    }

    [Fact]
    public async Task Run_ends_with_the_jobs_code_and_both_streams_through_three_kills()
    {
        await KeepAsync();
        await using var run = server.Begin("run", "--", "sh", "-c", "for i in 1 2 3 4; do echo out $i; echo err $i >&2; sleep 0.4; done; exit 7");
        for (var kill = 1; kill <= 3; kill++)
        {
            await run.OutputHasAsync($"out {kill}\n");
            server.KillServer();
        }
        var ran = (await run.EndAsync()).Expect(7);
        Assert.Equal("out 1\nout 2\nout 3\nout 4\n", ran.Output);
        var lines = ran.Error.Split('\n').ToLookup(line => line.StartsWith("err ", StringComparison.Ordinal));
        Assert.Equal(["err 1", "err 2", "err 3", "err 4"], lines[true]);
        Assert.Matches(Told, string.Join('\n', lines[false]));
    }

    [Fact]
    public async Task A_wait_and_a_stop_are_answered_by_the_next_server()
    {
        await KeepAsync();
        var job = JobId.Parse(await server.ShellAsync("trap 'sleep 0.5; exit 3' TERM; echo ready; while :; do sleep 0.05; done"));
        using var client = server.Connect(new Reconnection(TimeSpan.FromMinutes(1), _ => { }));
        await client.GetAsync(job, Token);
        var wait = client.WaitAsync(job, Token);
        server.KillServer();
        Assert.False(wait.IsCompleted);
        await client.GetAsync(job, Token);
        var stop = client.StopAsync(job, TimeSpan.FromSeconds(30), tailLines: 1, Token);
        server.KillServer();
        Assert.Equal("ready\n"u8.ToArray(), (await stop.WaitAsync(ChildProcess.Limit, Token)).StdoutTail.ToArray());
        Assert.Equal(new JobEnd.Stopped("admin", new ProcessExit.Exited(3)), (await wait.WaitAsync(ChildProcess.Limit, Token)).End);
    }

    [Fact]
    public async Task A_job_that_a_server_held_still_when_it_was_killed_goes_on()
    {
        await KeepAsync();
        var job = await server.ShellAsync("trap 'exit 4' TERM; echo ready; while :; do sleep 0.05; done");
        await using var follower = server.Begin("logs", job);
        await follower.OutputHasAsync("ready\n");

        // As it does for the moment in which it gives a signal to all processes.
        await File.WriteAllTextAsync(server.Cgroups().Select(root => $"{root}/{job}/cgroup.freeze").First(File.Exists), "1", Token);
        server.KillServer();
        (await server.RunnerAsync("stop", "--grace", "1h", job)).Expect(0);
        Assert.Equal(4, (await server.StatusAsync(job)).GetProperty("end").GetProperty("code").GetInt32());
    }

    [Theory, InlineData("run", "--", "sh", "-c", "echo ready; exec sleep 1000"), InlineData("logs", "-f", "JOB")]
    public async Task An_interrupt_while_the_server_is_away_ends_the_waiting_at_once(params string[] words)
    {
        await using var lost = new LiveServer();
        lost.Expect("The processes that a former server left");
        await lost.InitializeAsync();
        var job = await lost.ShellAsync("echo ready; exec sleep 1000");
        await using var command = lost.Begin([.. words.Select(word => word is "JOB" ? job : word)]);
        await command.OutputHasAsync("ready\n");
        await lost.CrashAsync();
        await command.ErrorHasAsync("lost; reconnecting");
        command.Signal(ChildProcess.SigTerm); // SIGINT is ignored where the tests run in a shell's background
        (await command.EndAsync()).Expect(128 + ChildProcess.SigTerm);
        await lost.ServeAsync();
    }

    /// <summary>The class's server, with a keeper from now on.</summary>
    private async Task KeepAsync()
    {
        await server.StopAsync();
        server.Expect("was killed by signal 9; its jobs go on");
        await server.ServeAsync();
    }
}
