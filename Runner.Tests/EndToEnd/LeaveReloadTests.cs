using Runner.Keeper;
using Runner.Linux.Native;
using Runner.Linux.Processes;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>With `--on-stop leave` keeper, server and the process in the foreground become the program on disk, and no job is lost by that.</summary>
public sealed class LeaveReloadTests : IAsyncLifetime
{
    private static readonly string[] s_leave = ["--on-stop", "leave"];
    private readonly LiveServer _server = new();

    public async ValueTask InitializeAsync()
    {
        _server.Program = _server.At("runner");
        await _server.ReplaceProgramAsync();
        await _server.InitializeAsync();
        await _server.StopAsync();
        await _server.ServeAsync(s_leave);
    }

    public async ValueTask DisposeAsync()
    {
        // One that leaves nothing behind.
        await _server.LeaveAsync();
        await _server.ServeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_reload_replaces_the_whole_and_jobs_go_on()
    {
        var (job, keeper) = await GatedAsync("go", 7);
        var (front, before) = (_server.ForegroundId, Processes.ProgramOf(keeper));
        await _server.ReplaceProgramAsync();
        var calls = Enumerable.Range(0, 10).Select(_ => _server.RunnerAsync("status", job)).ToList();
        await _server.ReloadAsync();
        foreach (var call in calls) (await call).Expect(0);
        var now = Processes.InodeOf(_server.Program);
        Assert.NotEqual(before, now);
        await Until.SoAsync(() => Processes.ProgramOf(front) == now, "the process in the foreground is the program on disk");
        Assert.Equal((now, now), (Processes.ProgramOf(keeper), Processes.ProgramOf(KeptServer.Of(keeper))));
        Assert.Equal(keeper, Processes.ParentOf(await MainAsync(job)));

        // What is in the place of another passes signals on, and what has been left is found.
        Assert.Contains("1 job goes on", (await _server.LeaveAsync()).Error, StringComparison.Ordinal);
        await _server.ServeAsync(s_leave);
        await EndsAsync(job, "go", 7);
    }

    [Fact]
    public async Task Many_reloads_leave_keeper_and_foreground_with_what_they_had()
    {
        var (job, keeper) = await GatedAsync("go", 7);
        await _server.ReloadAsync();
        var before = (await SettledAsync(keeper), await SettledAsync(_server.ForegroundId));
        for (var i = 0; i < 10; i++) await _server.ReloadAsync();
        await Until.SoAsync(() => Descriptors(keeper) <= before.Item1 && Descriptors(_server.ForegroundId) <= before.Item2, "neither has more descriptors open than before");
        Assert.Empty(Processes.ZombiesOf(keeper));
        await EndsAsync(job, "go", 7);
    }

    [Fact]
    public async Task A_keeper_that_was_left_becomes_the_program_of_who_comes_to_it()
    {
        var ((first, keeper), (second, _)) = (await GatedAsync("first", 5), await GatedAsync("second", 6));
        await _server.LeaveAsync();
        await _server.GoAsync("first");
        await Until.SoAsync(() => ExitFile.Read(_server.State, ExitFile.ThisBoot()).ContainsKey(Runner.Jobs.JobId.Parse(first)), "the exit is written down");
        var before = Processes.ProgramOf(keeper);
        await _server.ReplaceProgramAsync();
        await _server.ServeAsync(s_leave);
        var now = Processes.InodeOf(_server.Program);
        Assert.NotEqual(before, now);
        Assert.Equal((now, now), (Processes.ProgramOf(keeper), Processes.ProgramOf(KeptServer.Of(keeper))));
        await EndsAsync(first, "first", 5);
        await EndsAsync(second, "second", 6);
    }

    [Theory]
    [InlineData("#!/bin/sh\nexit 3\n")]
    [InlineData("#!/bin/sh\necho runner 1.0\n")]
    [InlineData(null)]
    public async Task A_program_that_cannot_take_over_changes_nothing(string? text)
    {
        var (job, keeper) = await GatedAsync("go", 8);
        var server = KeptServer.Of(keeper);
        File.Delete(_server.Program);
        if (text is not null) await File.WriteAllTextAsync(_server.Program, text, TestContext.Current.CancellationToken);
        if (text is not null) File.SetUnixFileMode(_server.Program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        _server.Expect("not reloaded: ");
        _server.Signal(ChildProcess.SigHup);
        await _server.LogHasAsync("the server goes on as it is");
        Assert.Equal(server, KeptServer.Of(keeper));

        // Nor does a guest that brings it.
        await _server.LeaveAsync();
        var kept = Processes.ProgramOf(keeper);
        Assert.Contains("the keeper stays as it is: ", await ComeAsync(_server.Program), StringComparison.Ordinal);
        Assert.Equal(kept, Processes.ProgramOf(keeper));
        await _server.ReplaceProgramAsync();
        await _server.ServeAsync(s_leave);
        await _server.ReloadAsync();
        await EndsAsync(job, "go", 8);
    }

    [Fact]
    public async Task A_stop_at_any_moment_of_a_reload_leaves_the_jobs()
    {
        var (job, _) = await GatedAsync("go", 9);
        for (var i = 0; i < 8; i++)
        {
            _server.Signal(ChildProcess.SigHup);
            await Task.Delay(i * 40, TestContext.Current.CancellationToken); // the instants are what is to differ
            Assert.Contains("1 job goes on", (await _server.LeaveAsync()).Error, StringComparison.Ordinal);
            await _server.ServeAsync(s_leave);
        }
        await EndsAsync(job, "go", 9);
    }

    /// <summary>Comes in by the keeper's door as a `runner serve` of a program would; returns what that is told on its standard error.</summary>
    private async Task<string> ComeAsync(string program)
    {
        var told = _server.At("told");
        await File.WriteAllTextAsync(told, "", TestContext.Current.CancellationToken);
        using var nothing = Libc.Open("/dev/null", OpenFlags.ReadWrite | OpenFlags.CloseOnExec);
        using var errors = Libc.Open(told, OpenFlags.ReadWrite | OpenFlags.CloseOnExec);
        using var order = OrderFile.Write(new SpawnOrder(program, ["runner", "serve"], [], "/", null, [], (nothing, nothing, errors)));
        var (line, process) = KeeperDoor.Knock(_server.State)!.Value;
        using (line)
        using (process)
        {
            Assert.True(line.Send(FrontMessages.Number(FrontMessage.Serve, 0, 30_000, 1), order, nothing, errors));
            while (line.Receive() is { } message)
                if (FrontMessages.Read(message.Bytes.Span) is (FrontMessage.Ended, var numbers))
                {
                    Assert.Equal(1, numbers[1]);
                    break;
                }
        }
        return await File.ReadAllTextAsync(told, TestContext.Current.CancellationToken);
    }

    /// <summary>A gated job and its keeper.</summary>
    private async Task<(string Job, int Keeper)> GatedAsync(string go, int code)
    {
        var job = await _server.GatedAsync(go, code);
        return (job, Processes.ParentOf(await MainAsync(job)));
    }

    private async Task<int> MainAsync(string job) => (await _server.StatusAsync(job)).GetProperty("pid").GetInt32();

    private async Task EndsAsync(string job, string go, int code)
    {
        await _server.GoAsync(go);
        await _server.GatedEndsAsync(job, code);
    }

    /// <summary>How many it has open once that stays the same: the program may just have been replaced.</summary>
    private static async Task<int> SettledAsync(int process)
    {
        for (var (last, same) = (-1, 0); ;)
        {
            var now = Descriptors(process);
            (last, same) = now == last ? (now, same + 1) : (now, 0);
            if (same == 5) return now;
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    private static int Descriptors(int process) => Directory.GetFiles($"/proc/{process}/fd").Length;
}
