using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>With a keeper jobs outlive the server, and nothing of them is lost.</summary>
public sealed class KeeperTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Fact]
    public async Task A_job_outlives_servers_that_are_killed_and_keeps_its_code_and_every_byte()
    {
        server.Expect("was killed by signal 9; its jobs go on");
        var job = await server.CountingAsync("enough", 7);
        var brief = await server.ShellAsync("sleep 1; exit 3");
        for (var i = 0; i < 3; i++)
        {
            server.KillServer();

            // The listening socket has stayed open: whoever calls now waits for the next server.
            (await server.RunnerAsync("status", job)).Expect(0);
        }
        await server.GoAsync("enough");
        Assert.Equal(3, (await server.EndAsync(brief)).GetProperty("end").GetProperty("code").GetInt32());
        var lines = await server.CountingEndsAsync(job, 7);
        Assert.Equal(lines, (await server.RunnerAsync("logs", "-t", job)).Expect(0).Output.Count(letter => letter == '\n'));
    }

    [Fact]
    public async Task A_job_whose_output_cannot_be_looked_at_is_not_given_up_and_a_server_comes_when_it_can()
    {
        server.Expect("was killed by signal 9; its jobs go on");
        server.Expect("exited with code 14; its jobs go on");
        server.Expect("what a former server left cannot be recorded");
        server.Expect("The cgroups of this server stay"); // for the job is in one
        var job = await server.GatedAsync("looked", 6);
        var (folder, aside) = (Path.Combine(server.State, "jobs", job), server.At("aside"));
        Directory.Move(folder, aside);
        Directory.CreateSymbolicLink(folder, folder); // ELOOP
        server.KillServer();
        await server.LogHasAsync("exited with code 14; its jobs go on");
        File.Delete(folder);
        Directory.Move(aside, folder);
        await server.GoAsync("looked");
        await server.GatedEndsAsync(job, 6);
    }

    [Fact]
    public async Task A_stop_that_a_server_did_not_live_to_finish_is_finished_by_the_next_one_in_the_same_name()
    {
        server.Expect("was killed by signal 9; its jobs go on");
        var job = await server.StartAsync("--grace", "2s", "--", "sh", "-c", "trap 'echo asked' TERM; echo ready; while :; do sleep 0.1; done");
        await using var follower = server.Begin("logs", job);
        await follower.OutputHasAsync("ready\n");
        await using var stop = server.Begin("stop", job);
        await follower.OutputHasAsync("asked\n");
        server.KillServer();
        var end = (await server.EndAsync(job)).GetProperty("end");
        Assert.Equal(("stopped", "admin", 9), (end.GetProperty("reason").GetString(), end.GetProperty("by").GetString(), end.GetProperty("signal").GetInt32()));
    }

    [Fact]
    public async Task A_job_is_as_likely_to_be_killed_for_want_of_memory_as_any_process_whatever_its_server_is()
    {
        foreach (var options in new string[][] { ["--no-keeper"], [] })
        {
            await server.StopAsync();
            await server.ServeAsync(["sh", "-c", "echo 500 >/proc/self/oom_score_adj; exec \"$@\"", "sh"], options);
            var job = await server.StartAsync("--", "cat", "/proc/self/oom_score_adj");
            Assert.Equal("0\n", (await server.RunnerAsync("logs", job)).Expect(0).Output);

            // Where it may (CAP_SYS_RESOURCE), it has lowered its own; else it has what it was given.
            Assert.NotEqual("0\n", await File.ReadAllTextAsync($"/proc/{server.KeeperId}/oom_score_adj", TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task A_start_that_hangs_in_its_exec_holds_up_nobody_else()
    {
        var (program, fast) = (server.At("slow"), await server.ShellAsync("read x; sleep 0.2; exit 3"));
        (await ChildProcess.ShellAsync("cp /bin/true \"$1\"", program)).Expect(0); // by another process: one forked from here meanwhile would hold it open
        var lease = new Lease(program);
        try
        {
            await using var slow = server.Begin("start", "--", program);
            await Until.SoAsync(() => lease.IsWantedBack, "somebody executes the program");
            Assert.Equal(3, (await server.EndAsync(fast)).GetProperty("end").GetProperty("code").GetInt32());
            for (var i = 0; i < 3; i++) Assert.Equal("out\n", (await server.RunnerAsync("run", "--", "echo", "out")).Expect(0).Output);
            Assert.True(lease.IsWantedBack);
            lease.Dispose();
            var job = (await slow.EndAsync()).Expect(0).Output.TrimEnd('\n');
            Assert.Equal(0, (await server.EndAsync(job)).GetProperty("end").GetProperty("code").GetInt32());
        }
        finally
        {
            lease.Dispose();
        }
    }

    [Fact]
    public async Task Without_its_keeper_a_server_ends_and_leaves_no_job_behind()
    {
        server.Expect("the keeper is gone, so all jobs were killed");
        var job = await server.StartAsync("--", "sleep", "1000");
        await server.KillForegroundAsync();
        await server.ServeAsync();
        var end = (await server.EndAsync(job)).GetProperty("end");
        Assert.Equal(("lost", "keeper-died"), (end.GetProperty("reason").GetString(), end.GetProperty("lost_reason").GetString()));
        Assert.Contains("lost: the keeper died", (await server.RunnerAsync("status", job)).Expect(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nor_does_a_server_outlive_its_keeper_that_waits_for_its_jobs_in_a_planned_stop()
    {
        server.Expect("the keeper is gone, so all jobs were killed");
        var job = await server.StartAsync("--grace", "10m", "--", "sh", "-c", "trap 'echo asked' TERM; echo ready; while :; do sleep 0.1; done");
        await using (var follower = server.Begin("logs", job))
        {
            await follower.OutputHasAsync("ready\n");
            server.Signal(ChildProcess.SigTerm);
            await follower.OutputHasAsync("asked\n");
            await server.KillForegroundAsync();
        }
        await server.ServeAsync();
        Assert.Equal("keeper-died", (await server.EndAsync(job)).GetProperty("end").GetProperty("lost_reason").GetString());
    }
}
