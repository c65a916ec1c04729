using System.Globalization;
using System.Net;
using Runner.Client;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>
/// The server is killed again and again at random instants, stopped for seconds, and replaced with its keeper, while jobs run and are followed.
/// Where a stop leaves them, it is stopped and served again too, and the process in the foreground killed.
/// RUNNER_CHAOS_KILLS makes it longer (<c>./build.sh chaos</c>), RUNNER_CHAOS_SEED repeats one.
/// </summary>
[Collection(Measured.Name)]
public sealed class ChaosTests(ITestOutputHelper output) : IAsyncDisposable
{
    private const int Workers = 4, Commands = 2;
    private static readonly TimeSpan s_longestLife = TimeSpan.FromMilliseconds(900);

    private readonly LiveServer _server = new();
    private bool _leaves;

    [Theory, InlineData("end-jobs"), InlineData("leave")]
    public async Task However_often_the_server_is_killed_no_job_no_byte_and_no_end_is_lost_and_nothing_is_left(string onStop)
    {
        var kills = Number("RUNNER_CHAOS_KILLS") ?? 10;
        var seed = Number("RUNNER_CHAOS_SEED") ?? Random.Shared.Next();
        Tell($"chaos: {kills} kills, RUNNER_CHAOS_SEED={seed}");
        _server.Program = _server.At("runner");
        await _server.ReplaceProgramAsync();
        _leaves = onStop is "leave";
        if (_leaves)
        {
            // It comes back to the same port, which is to be nobody else's meanwhile: an address of its own.
            _server.Listen = new(new IPAddress([127, (byte)Random.Shared.Next(1, 255), (byte)Random.Shared.Next(256), (byte)Random.Shared.Next(1, 255)]), 7443);
        }
        await _server.InitializeAsync();
        _server.Expect("was killed by signal 9; its jobs go on");
        _server.Expect("The processes that a former server left in"); // of starts that were not answered for
        await RestartAsync();
        var before = await WarmAsync();

        using var chaos = new Chaos(_server, seed, mayBeAway: _leaves);
        var over = 0;
        var work = Enumerable.Range(0, Workers).Select(worker => chaos.WorkAsync(worker, IsOver, Token))
            .Concat(Enumerable.Range(Workers, Commands).Select(worker => chaos.RunAsync(worker, IsOver, Token))).ToList();
        await KillAsync(chaos, kills, new Random(seed), Task.WhenAny(work));
        Interlocked.Exchange(ref over, 1);
        await Task.WhenAll(work).WaitAsync(ChildProcess.Limit * 3, Token);
        await chaos.AssertAllAsync(Token);
        Tell($"chaos: {kills} kills, {chaos.Started.Count} jobs, {chaos.Followed} streams followed, {chaos.Interruptions} times a client lost its server");
        Assert.True(chaos.Interruptions >= kills / 2, $"only {chaos.Interruptions} times a client lost its server");
        await ServerTraces.AssertAsBeforeAsync(_server, before, growth: 64 << 20);

        if (_leaves)
        {
            await _server.LeaveAsync();
            await _server.ServeAsync(); // whose stop leaves nothing
        }

        bool IsOver() => Volatile.Read(ref over) == 1;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What keeper and server hold when there is nothing to do.</summary>
    private async Task<ServerTraces> WarmAsync()
    {
        (await _server.RunnerAsync("run", "--", "true")).Expect(0);
        _server.KillServer();
        (await _server.RunnerAsync("run", "--", "true")).Expect(0);
        await ReloadAsync();
        (await _server.RunnerAsync("run", "--", "true")).Expect(0);
        return await ServerTraces.SettledAsync(_server);
    }

    private async Task KillAsync(Chaos chaos, int kills, Random random, Task failed)
    {
        using var client = _server.Connect(new Reconnection(TimeSpan.FromMinutes(1), _ => { }));
        for (var kill = 1; kill <= kills && !failed.IsCompleted; kill++)
        {
            // Three of four times when it answers calls; else it may die before that.
            if (random.Next(4) > 0) await chaos.EnsureAsync(() => client.InfoAsync(Token));
            var life = random.NextDouble() * s_longestLife;
            await Task.Delay(life, Token); // the instant is what is to be random
            switch (kill % 6)
            {
                case 0:
                    await PauseAsync(random);
                    break;
                case 2:
                    await ReloadAsync();
                    break;
                case 4:
                    // Killed in the middle of it.
                    await _server.ReplaceProgramAsync();
                    _server.Signal(ChildProcess.SigHup);
                    await Task.Delay(random.Next(400), Token);
                    break;
                case 1 when _leaves:
                    await RestartAsync();
                    continue;
                case 5 when _leaves:
                    await _server.KillForegroundAsync();
                    await ServeAsync();
                    continue;
            }
            KeptServer.Signal(_server.Id, ChildProcess.SigKill);
        }
    }

    /// <summary>The planned stop, and a start.</summary>
    private async Task RestartAsync()
    {
        if (_leaves) await _server.LeaveAsync();
        else await _server.StopAsync();
        await ServeAsync();
    }

    private Task ServeAsync() => _server.ServeAsync("--on-stop", _leaves ? "leave" : "end-jobs");

    /// <summary>The server stands still for seconds, and may go on for a moment.</summary>
    private async Task PauseAsync(Random random)
    {
        var process = _server.Id;
        KeptServer.Signal(process, ChildProcess.SigStop);
        await Task.Delay(TimeSpan.FromSeconds(1 + random.NextDouble()), Token);
        KeptServer.Signal(process, ChildProcess.SigCont);
        await Task.Delay(random.Next(3) * random.Next(300), Token);
    }

    /// <summary>Keeper and server become another file's program; returns when there is another server.</summary>
    private async Task ReloadAsync()
    {
        await _server.ReplaceProgramAsync();
        await _server.BeginReloadAsync();
    }

    private void Tell(string line)
    {
        output.WriteLine(line);
        TestContext.Current.SendDiagnosticMessage(line);
    }

    private static int? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
