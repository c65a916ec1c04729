using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

public sealed class RestartTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Fact]
    public async Task Ended_jobs_their_output_and_the_list_outlive_the_server()
    {
        var job = await server.StartAsync("--name", "kept", "--cpu", "1", "--", "sh", "-c", "echo out; echo err >&2; exit 4");
        await server.EndAsync(job);
        var (status, list) = (await server.RunnerAsync("status", "--json", job), await server.RunnerAsync("list", "--json", "--all"));
        await server.StopAsync();
        await server.ServeAsync();
        Assert.Equal(status.Output, (await server.RunnerAsync("status", "--json", job)).Expect(0).Output);
        Assert.Equal(list.Output, (await server.RunnerAsync("list", "--json", "--all")).Expect(0).Output);
        Assert.Equal("out\n", (await server.RunnerAsync("logs", job)).Expect(0).Output);
        Assert.Equal("err\n", (await server.RunnerAsync("logs", "--stderr", job)).Expect(0).Output);
        (await server.RunnerAsync("stop", job)).ExpectRefusal(1, "has already ended");
    }

    [Fact]
    public async Task A_planned_stop_ends_jobs_within_their_grace_and_followers_get_all_of_it()
    {
        var polite = await server.StartAsync("--grace", "2m", "--", "sh", "-c", "trap 'seq 20000; echo bye; exit 6' TERM; echo ready; while :; do sleep 1000 & wait; done");
        var stubborn = await server.StartAsync("--grace", "1s", "--", "sh", "-c", "trap '' TERM; echo ready; sleep 1000");
        await using var follower = server.Begin("logs", "-f", polite);
        await using var other = server.Begin("logs", "-f", stubborn);
        await using var run = server.Begin("run", "--grace", "2m", "--", "sh", "-c", "trap 'echo bye; exit 9' TERM; echo ready; sleep 1000 & wait");
        foreach (var client in new[] { follower, other, run }) await client.OutputHasAsync("ready\n");

        await server.StopAsync();
        var expected = "ready\n" + string.Concat(Enumerable.Range(1, 20000).Select(line => $"{line}\n")) + "bye\n";
        Assert.Equal(expected, (await follower.EndAsync()).Expect(0).Output);
        Assert.Equal("ready\n", (await other.EndAsync()).Expect(0).Output);
        Assert.Equal("ready\nbye\n", (await run.EndAsync()).Expect(9).Output);

        await server.ServeAsync();
        Assert.Equal(("stopped", "server", 6), await EndOfAsync(polite, "code"));
        Assert.Equal(("stopped", "server", ChildProcess.SigKill), await EndOfAsync(stubborn, "signal"));
        Assert.Equal(expected, (await server.RunnerAsync("logs", polite)).Expect(0).Output);
    }

    [Fact]
    public async Task A_server_that_is_stopping_takes_no_new_jobs()
    {
        var go = server.At("go");
        var job = await server.StartAsync("--grace", "2m", "--", "sh", "-c", "trap 'echo asked; while [ ! -e \"$0\" ]; do sleep 0.05; done; exit 0' TERM; echo ready; sleep 1000 & wait", go);
        await using var follower = server.Begin("logs", "-f", job);
        await follower.OutputHasAsync("ready\n");
        var stopping = server.StopAsync();
        await follower.OutputHasAsync("asked\n");
        (await server.RunnerAsync("start", "--", "true")).ExpectRefusal(125, "the server is stopping");
        await File.WriteAllTextAsync(go, "", TestContext.Current.CancellationToken);
        await stopping;
        (await follower.EndAsync()).Expect(0);
        await server.ServeAsync();
    }

    [Fact]
    public async Task After_a_crash_the_next_server_kills_what_was_left_tells_it_is_lost_and_has_its_output()
    {
        server.Expect("The processes that");
        var ended = await server.ShellAsync("exit 8");
        await server.EndAsync(ended);
        var job = await server.ShellAsync("seq 50000; echo trouble >&2; setsid sleep 1000 & echo ready; exec sleep 1000");
        await using var follower = server.Begin("logs", "-f", "--reconnect", "0", job);
        await follower.OutputHasAsync("ready\n");
        var processes = await File.ReadAllLinesAsync(
            server.Cgroups().Select(root => $"{root}/{job}/cgroup.procs").First(File.Exists), TestContext.Current.CancellationToken);
        Assert.Equal(2, processes.Length);

        await server.CrashAsync();
        Assert.NotEqual(0, (await follower.EndAsync()).Code);

        await server.ServeAsync();
        Assert.DoesNotContain(processes, process => Processes.IsAlive(int.Parse(process, CultureInfo.InvariantCulture)));
        Assert.DoesNotContain(server.Cgroups(), root => Directory.Exists($"{root}/{job}"));
        var status = await server.StatusAsync(job);
        Assert.Equal("ended", status.GetProperty("state").GetString());
        Assert.Equal("lost", status.GetProperty("end").GetProperty("reason").GetString());
        var output = string.Concat(Enumerable.Range(1, 50000).Select(line => $"{line}\n")) + "ready\n";
        Assert.Equal(output, (await server.RunnerAsync("logs", job)).Expect(0).Output);
        Assert.Equal("trouble\n", (await server.RunnerAsync("logs", "--stderr", job)).Expect(0).Output);
        await server.VerifiedAsync(job);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(output))), (await server.StatusAsync(job)).GetProperty("output").GetProperty("stdout_sha256").GetString());
        var both = (await server.RunnerAsync("logs", "--both", job)).Expect(0);
        Assert.Equal((output, "trouble\n"), (both.Output, both.Error));
        Assert.Matches("^20[^ ]+Z trouble\n$", (await server.RunnerAsync("logs", "-t", "--stderr", "--tail", "1", job)).Expect(0).Output);
        Assert.Equal(8, (await server.StatusAsync(ended)).GetProperty("end").GetProperty("code").GetInt32());
        (await server.RunnerAsync("run", "--", "true")).Expect(0);
    }

    [Fact]
    public async Task A_planned_stop_is_not_held_up_by_a_client_that_does_not_read_and_that_client_learns_what_it_lacks()
    {
        using var folder = new TemporaryFolder();
        (await ChildProcess.ShellAsync("mkfifo \"$1\"", folder.At("gate"))).Expect(0);
        var job = await server.ShellAsync("head -c 50000000 /dev/zero");
        await server.EndAsync(job);
        await using var slow = ChildProcess.Start(
            "/bin/bash", ["-c", "\"$0\" logs --reconnect 0 \"$1\" | { head -c 1 | wc -c; read -r <\"$2\"; wc -c; }; echo \"${PIPESTATUS[0]}\"", RunnerBinary.Path, job, folder.At("gate")],
            server.Environment());
        await slow.OutputHasAsync("1\n");
        await server.StopAsync();
        await server.ServeAsync();

        await File.WriteAllTextAsync(folder.At("gate"), "go\n", TestContext.Current.CancellationToken);
        var lines = (await slow.EndAsync()).Expect(0).Output.Split('\n');
        Assert.InRange(int.Parse(lines[1], CultureInfo.InvariantCulture), 0, 50_000_000 - 2);
        Assert.Equal("125", lines[2]);
    }

    private async Task<(string?, string?, int)> EndOfAsync(string job, string how)
    {
        var end = (await server.StatusAsync(job)).GetProperty("end");
        return (end.GetProperty("reason").GetString(), end.GetProperty("by").GetString(), end.GetProperty(how).GetInt32());
    }
}
