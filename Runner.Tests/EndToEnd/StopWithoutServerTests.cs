using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>A planned stop that no server lives to carry out is carried out by the keeper.</summary>
public sealed class StopWithoutServerTests : IAsyncLifetime
{
    private readonly LiveServer _server = new();

    public async ValueTask InitializeAsync()
    {
        _server.Program = _server.At("runner");
        await _server.ReplaceProgramAsync();
        await _server.InitializeAsync();
        await _server.StopAsync();
        await _server.ServeAsync("--stop-timeout", "10s");
        _server.Expect("The processes that a former server left in"); // their cgroups
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData(1, null)]
    [InlineData(3, "#!/bin/sh\nexit 3\n")]
    [InlineData(1, "#!/bin/sh\nkill -9 $$\n")]
    public async Task Where_no_server_can_be_started_the_jobs_end_all_the_same_and_the_next_server_knows_how(int code, string? text)
    {
        _server.Expect("the server was killed by signal 9; its jobs go on");
        _server.Expect("the server exited with code");
        _server.Expect("the server cannot be started: ");
        _server.Expect("no server ends the jobs, so the keeper does");
        var polite = await ReadyAsync("trap 'exit 4' TERM; echo ready; while :; do sleep 0.05; done");
        var deaf = await ReadyAsync("trap '' TERM; setsid sleep 1000 & echo ready; while :; do sleep 0.05; done");
        File.Delete(_server.Program);
        if (text is not null)
        {
            // By another process: one that is forked from here meanwhile would hold it open for writing, and nobody could execute it.
            var written = _server.At("written");
            await File.WriteAllTextAsync(written, text, TestContext.Current.CancellationToken);
            (await ChildProcess.ShellAsync("install -m 0500 \"$1\" \"$2\"", written, _server.Program)).Expect(0);
        }
        _server.KillServer();
        Assert.Contains("no server ends the jobs, so the keeper does", (await _server.StopAsync(code)).Error, StringComparison.Ordinal);
        await Until.SoAsync(() => Left().Count == 0, () => $"no process of a job lives on, but {string.Join(' ', Left())}");

        await _server.ReplaceProgramAsync();
        await _server.ServeAsync();
        await EndedAsync(polite, ("stopped", "server", "exited", 4));
        await EndedAsync(deaf, ("stopped", "server", "signaled", 9));
    }

    [Fact]
    public async Task Servers_that_are_killed_again_and_again_do_not_hold_a_stop_up_for_ever()
    {
        _server.Expect("the server was killed by signal 9; its jobs go on");
        _server.Expect("no server ends the jobs, so the keeper does");
        var deaf = await ReadyAsync("trap '' TERM; echo ready; while :; do sleep 0.05; done", "--grace", "10m");
        var keeper = _server.KeeperId;
        var over = false;
        var killing = new Thread(() =>
        {
            while (!Volatile.Read(ref over))
            {
                if (Processes.IsAlive(keeper) && KeptServer.Find(keeper) is { } server) KeptServer.Signal(server, ChildProcess.SigKill);
                Thread.Sleep(1); // so that those tests that run beside it go on
            }
        });
        killing.Start();
        try
        {
            await _server.LogHasAsync("the server was killed by signal 9");
            await _server.StopAsync(1);
        }
        finally
        {
            Volatile.Write(ref over, true);
            killing.Join();
        }
        await _server.ServeAsync();
        await EndedAsync(deaf, ("stopped", "server", "signaled", 9));
    }

    /// <summary>A job that has said that it is ready.</summary>
    private async Task<string> ReadyAsync(string script, params string[] options)
    {
        var job = await _server.StartAsync([.. options, "--", "sh", "-c", script]);
        await using var follower = _server.Begin("logs", job);
        await follower.OutputHasAsync("ready\n");
        return job;
    }

    private async Task EndedAsync(string job, (string Reason, string By, string How, int Number) expected)
    {
        var end = (await _server.StatusAsync(job)).GetProperty("end");
        Assert.Equal(expected, (end.GetProperty("reason").GetString()!, end.GetProperty("by").GetString()!,
            end.TryGetProperty("signal", out var signal) ? "signaled" : "exited", end.TryGetProperty("code", out var code) ? code.GetInt32() : signal.GetInt32()));
    }

    private IReadOnlyList<string> Left() => [.. _server.Cgroups()
        .SelectMany(directory => Directory.EnumerateFiles(directory, "cgroup.procs", SearchOption.AllDirectories))
        .SelectMany(File.ReadAllLines)];
}
