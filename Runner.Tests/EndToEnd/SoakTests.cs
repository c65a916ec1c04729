using System.Globalization;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>
/// A while of everything at once. RUNNER_SOAK_SECONDS makes it longer (<c>./build.sh soak</c>), RUNNER_SOAK_SEED repeats one.
/// </summary>
public sealed class SoakTests(LiveServer server, ITestOutputHelper output) : IClassFixture<LiveServer>
{
    private const int Workers = 6;

    // What the pools of a server grow to under this much at once; it does not depend on how long it lasts.
    private const long MostGrowth = 64 << 20;

    [Fact]
    public async Task After_a_while_of_everything_at_once_every_job_has_its_one_end_and_all_its_bytes_and_nothing_is_left()
    {
        var time = TimeSpan.FromSeconds(Number("RUNNER_SOAK_SECONDS") ?? 10);
        var seed = Number("RUNNER_SOAK_SEED") ?? Random.Shared.Next();
        Tell($"soak: {time.TotalSeconds} s, RUNNER_SOAK_SEED={seed}");
        server.Expect("Refused a connection from"); // those that are cut or speak no TLS
        var warm = new Soak(server, seed: 1);
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => warm.WorkAsync(worker, TimeSpan.FromSeconds(1), Token)));
        await warm.AssertAllAsync(Token);
        var before = await ServerTraces.SettledAsync(server);

        var soak = new Soak(server, seed);
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => soak.WorkAsync(worker, time, Token)));
        await soak.AssertAllAsync(Token);
        Assert.Equal(warm.Jobs + soak.Jobs, soak.AllListed); // what was refused is no job

        var after = await ServerTraces.AssertAsBeforeAsync(server, before, MostGrowth);
        Tell($"soak: {soak.Deeds} deeds, {soak.Jobs} jobs; server {Growth(before.Server, after.Server)}, keeper {Growth(before.Keeper!, after.Keeper!)}");
    }

    private static string Growth(ProcessTraces before, ProcessTraces after) => $"threads {before.Threads} -> {after.Threads}, memory {before.Memory >> 10} -> {after.Memory >> 10} KiB";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private void Tell(string line)
    {
        output.WriteLine(line);
        TestContext.Current.SendDiagnosticMessage(line);
    }

    private static int? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
