using System.Diagnostics;
using System.Net.Sockets;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>A planned stop that leaves the jobs: the next server has their exact ends and every byte.</summary>
public sealed class LeaveTests(LiveServer server) : IClassFixture<LiveServer>
{
    private static readonly string[] s_leave = ["--on-stop", "leave"];

    [Fact]
    public async Task Jobs_that_a_stop_leaves_run_on_and_end_without_a_server_and_the_next_one_knows_how()
    {
        await server.StopAsync();
        await server.ServeAsync(s_leave);
        var go = $"go-{Guid.NewGuid():N}";
        var (first, second) = (await server.GatedAsync(go, 7), await server.GatedAsync($"{go}-too", 8));
        using var main = Process.GetProcessById((await server.StatusAsync(first)).GetProperty("pid").GetInt32());
        Assert.Contains("2 jobs go on", (await server.LeaveAsync()).Error, StringComparison.Ordinal);

        // Nobody is there to be asked, and the first job ends.
        await server.GoAsync(go);
        await main.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await server.ServeAsync(s_leave);
        await server.GatedEndsAsync(first, 7);
        Assert.Equal("running", (await server.StatusAsync(second)).GetProperty("state").GetString());
        var keeper = Processes.ParentOf((await server.StatusAsync(second)).GetProperty("pid").GetInt32());
        await server.GoAsync($"{go}-too");
        await server.GatedEndsAsync(second, 8);
        Assert.DoesNotContain("the next runner serve", (await server.LeaveAsync()).Error, StringComparison.Ordinal);
        Assert.False(Processes.IsAlive(keeper), "the keeper is there after the process in the foreground has ended");
        Assert.False(File.Exists(Path.Combine(server.State, "keeper.sock")));
        await server.ServeAsync();
    }

    [Fact]
    public async Task A_server_that_ends_jobs_takes_over_what_one_that_leaves_them_has_left()
    {
        await server.StopAsync();
        await server.ServeAsync(s_leave);
        var job = await server.StartAsync("--grace", "2m", "--", "sh", "-c", "trap 'echo asked; exit 4' TERM; echo ready; sleep 1000 & wait");
        await using (var follower = server.Begin("logs", job)) await follower.OutputHasAsync("ready\n");
        await server.LeaveAsync();
        (await RunnerBinary.RunAsync(server.ServeArguments("--no-keeper"))).ExpectRefusal(14, "--no-keeper: a keeper was left with jobs of");
        await server.ServeAsync();
        await server.StopAsync();
        await server.ServeAsync();
        var end = (await server.StatusAsync(job)).GetProperty("end");
        Assert.Equal(("stopped", "server", 4), (end.GetProperty("reason").GetString(), end.GetProperty("by").GetString(), end.GetProperty("code").GetInt32()));
        Assert.Equal("ready\nasked\n", (await server.RunnerAsync("logs", job)).Expect(0).Output);
    }

    [Fact]
    public async Task Where_the_process_in_the_foreground_is_killed_the_jobs_go_on_too_and_two_at_once_are_refused()
    {
        await server.StopAsync();
        await server.ServeAsync(s_leave);
        var go = $"go-{Guid.NewGuid():N}";
        var job = await server.GatedAsync(go, 9);
        (await RunnerBinary.RunAsync(server.ServeArguments(s_leave))).ExpectRefusal(14, "another runner serve is running on this state directory");
        await server.KillForegroundAsync();
        await server.ServeAsync(s_leave);
        await server.GoAsync(go);
        await server.GatedEndsAsync(job, 9);
        await server.LeaveAsync();
        await server.ServeAsync();
    }

    [Fact]
    public async Task Servers_that_could_not_begin_and_guests_that_make_no_sense_take_nothing_from_the_jobs_that_were_left()
    {
        await server.StopAsync();
        await server.ServeAsync(s_leave);
        var go = $"go-{Guid.NewGuid():N}";
        var job = await server.GatedAsync(go, 5);
        await server.LeaveAsync();
        (await ChildProcess.ShellAsync("\"$@\" 2>&-; [ $? = 12 ]", [RunnerBinary.Path, .. server.ServeArguments(s_leave).Select(word => word == "127.0.0.1:0" ? "192.0.2.1:4711" : word)])).Expect(0);
        foreach (var words in new byte[][] { [], [1], [99, 1, 2, 3] }) await SayAsync(words);
        await server.ServeAsync(s_leave);
        await server.GoAsync(go);
        await server.GatedEndsAsync(job, 5);
        await server.LeaveAsync();
        await server.ServeAsync();
    }

    [Fact]
    public async Task Who_comes_in_by_the_keeper_s_door_and_says_nothing_is_shown_out()
    {
        await server.StopAsync();
        await server.ServeAsync(s_leave);
        var go = $"go-{Guid.NewGuid():N}";
        var job = await server.GatedAsync(go, 6);
        await server.LeaveAsync();
        using (var limit = new CancellationTokenSource(ChildProcess.Limit))
        using (var guest = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified))
        {
            await guest.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(server.State, "keeper.sock")), limit.Token);
            Assert.Equal(0, await guest.ReceiveAsync(new byte[100], limit.Token));
        }
        await server.ServeAsync(s_leave);
        await server.GoAsync(go);
        await server.GatedEndsAsync(job, 6);
        await server.LeaveAsync();
        await server.ServeAsync();
    }

    /// <summary>Comes in by the keeper's door, says something, and waits until it is sent away.</summary>
    private async Task SayAsync(byte[] words)
    {
        using var limit = new CancellationTokenSource(ChildProcess.Limit);
        using var guest = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        await guest.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(server.State, "keeper.sock")), limit.Token);
        try
        {
            if (words.Length > 0) await guest.SendAsync(words, limit.Token);
            else guest.Shutdown(SocketShutdown.Send);
            while (await guest.ReceiveAsync(new byte[100], limit.Token) > 0) { }
        }
        catch (SocketException)
        {
            // Before it had said anything.
        }
    }

    [Fact]
    public async Task What_becomes_of_jobs_is_one_of_two_words() =>
        (await RunnerBinary.RunAsync("serve", "--on-stop", "kill")).ExpectRefusal(2, "--on-stop kill: must be end-jobs or leave");
}
