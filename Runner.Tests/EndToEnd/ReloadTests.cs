using Runner.Client;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>SIGHUP replaces server and keeper by the program on disk, while jobs run and clients call.</summary>
public sealed class ReloadTests : IAsyncLifetime
{
    private readonly LiveServer _server = new();

    public async ValueTask InitializeAsync()
    {
        _server.Program = _server.At("runner");
        await _server.ReplaceProgramAsync();
        await _server.InitializeAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Jobs_go_on_and_callers_wait_while_server_and_keeper_become_the_program_on_disk()
    {
        var job = await _server.CountingAsync("enough", 7);
        var (keeper, server) = (_server.KeeperId, _server.Id);
        await _server.ReplaceProgramAsync();
        var former = Processes.ProgramOf(keeper);
        _server.Signal(ChildProcess.SigHup);
        var calls = Enumerable.Range(0, 20).Select(_ => _server.RunnerAsync("status", job)).ToList();
        var starts = Enumerable.Range(0, 10).Select(i => _server.RunnerAsync("start", "--", "sh", "-c", $"exit {i}")).ToList();
        foreach (var call in calls) (await call).Expect(0);
        for (var i = 0; i < starts.Count; i++)
            Assert.Equal(i, (await _server.EndAsync((await starts[i]).Expect(0).Output.TrimEnd('\n'))).GetProperty("end").GetProperty("code").GetInt32());
        Assert.NotEqual(server, _server.Id);
        Assert.Equal(keeper, _server.KeeperId);
        Assert.NotEqual(former, Processes.InodeOf(_server.Program));
        Assert.Equal((Processes.InodeOf(_server.Program), Processes.InodeOf(_server.Program)), (Processes.ProgramOf(keeper), Processes.ProgramOf(_server.Id)));

        await _server.GoAsync("enough");
        await _server.CountingEndsAsync(job, 7);
    }

    [Fact]
    public async Task Many_reloads_leave_the_keeper_with_what_it_had()
    {
        var job = await _server.ShellAsync("sleep 1000 & wait");
        var brief = await _server.ShellAsync("exit 5");
        var before = Descriptors();
        for (var i = 0; i < 20; i++) await _server.ReloadAsync();
        await Until.SoAsync(() => Descriptors() <= before, () => $"no more than {before} descriptors are open, but {Descriptors()}");
        Assert.Empty(Processes.ZombiesOf(_server.KeeperId));
        Assert.Equal(5, (await _server.EndAsync(brief)).GetProperty("end").GetProperty("code").GetInt32());
        Assert.Equal("running", (await _server.StatusAsync(job)).GetProperty("state").GetString());
        (await _server.RunnerAsync("stop", job)).Expect(0);
    }

    [Theory]
    [InlineData("#!/bin/sh\nexit 3\n")]
    [InlineData("#!/bin/sh\necho runner 1.0\n")]
    [InlineData("#!/bin/sh\ncase $1 in version) exit 0; esac\nexit 2\n")] // it runs, and does not take these options
    [InlineData("no program at all")]
    [InlineData(null)]
    public async Task A_program_on_disk_that_does_not_run_changes_nothing(string? text)
    {
        var job = await _server.ShellAsync("sleep 1000");
        var server = _server.Id;
        File.Delete(_server.Program);
        if (text is not null) await File.WriteAllTextAsync(_server.Program, text, TestContext.Current.CancellationToken);
        if (text is not null) File.SetUnixFileMode(_server.Program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        _server.Expect("not reloaded: ");
        _server.Signal(ChildProcess.SigHup);
        await _server.LogHasAsync("the server goes on as it is");
        Assert.Equal(server, _server.Id);
        Assert.Equal("running", (await _server.StatusAsync(job)).GetProperty("state").GetString());
        await _server.ReplaceProgramAsync();
        await _server.ReloadAsync();
    }

    [Fact]
    public async Task A_stop_in_the_middle_of_a_reload_stops()
    {
        var job = await _server.StartAsync("--", "sleep", "1000");
        _server.Signal(ChildProcess.SigHup);
        await _server.StopAsync();
        await _server.ServeAsync();
        Assert.Equal("server", (await _server.EndAsync(job)).GetProperty("end").GetProperty("by").GetString());
    }

    [Fact]
    public async Task Reloads_asked_for_all_the_time_end_in_a_server_that_answers_and_a_keeper_that_stops()
    {
        var job = await _server.ShellAsync("sleep 1; exit 9");
        for (var i = 0; i < 200; i++)
        {
            _server.Signal(ChildProcess.SigHup);
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
        Assert.Equal(9, (await _server.EndAsync(job)).GetProperty("end").GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task Callers_that_never_call_twice_are_all_answered_while_the_server_is_replaced_again_and_again()
    {
        var job = await _server.ShellAsync("sleep 1000");
        var over = false;
        var callers = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            var calls = 0;
            for (; !Volatile.Read(ref over); calls++) (await _server.RunnerAsync("status", "--reconnect", "0", job)).Expect(0);
            return calls;
        })).ToList();
        try
        {
            for (var i = 0; i < 25 && callers.TrueForAll(caller => !caller.IsCompleted); i++) await _server.ReloadAsync();
        }
        finally
        {
            Volatile.Write(ref over, true);
        }
        Assert.All(await Task.WhenAll(callers), calls => Assert.InRange(calls, 1, int.MaxValue));
        (await _server.RunnerAsync("stop", job)).Expect(0);
    }

    [Fact]
    public async Task A_caller_that_keeps_its_connection_does_not_notice_that_the_server_is_replaced()
    {
        var job = Runner.Jobs.JobId.Parse(await _server.ShellAsync("sleep 1000"));

        // As every command has it: a request can meet the end of the connection it is sent on, and HTTP/2 leaves that to the sender.
        using var client = _server.Connect(new Reconnection(TimeSpan.FromMinutes(1), _ => { }));
        var over = false;
        var caller = Task.Run(async () =>
        {
            var calls = 0;
            for (; !Volatile.Read(ref over); calls++) await client.GetAsync(job, TestContext.Current.CancellationToken);
            return calls;
        });
        try
        {
            for (var i = 0; i < 25 && !caller.IsCompleted; i++) await _server.ReloadAsync();
        }
        finally
        {
            Volatile.Write(ref over, true);
        }
        Assert.InRange(await caller, 100, int.MaxValue);
        await client.StopAsync(job, TimeSpan.Zero, 0, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Who_waits_is_told_to_call_again()
    {
        var job = await _server.ShellAsync("sleep 1000");
        using var client = _server.Connect();
        var wait = client.WaitAsync(Runner.Jobs.JobId.Parse(job), TestContext.Current.CancellationToken);
        (await _server.RunnerAsync("status", job)).Expect(0);
        _server.Signal(ChildProcess.SigHup);
        await Assert.ThrowsAnyAsync<Exception>(() => wait.WaitAsync(ChildProcess.Limit, TestContext.Current.CancellationToken));
        (await _server.RunnerAsync("stop", job)).Expect(0);
    }

    private int Descriptors() => Directory.GetFiles($"/proc/{_server.KeeperId}/fd").Length;
}
