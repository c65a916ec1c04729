using System.Text;
using Runner.Client;
using Runner.Jobs;
using Runner.Output;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>Hundreds of short jobs over one connection: each is exact, and what they took is all given back.</summary>
[Collection(Measured.Name)]
public sealed class ManyJobsTests(LiveServer server) : IClassFixture<LiveServer>
{
    private const long Mebibyte = 1 << 20;

    [Fact]
    public async Task A_thousand_jobs_in_a_row_and_two_hundred_at_once_are_exact_and_leave_nothing()
    {
        using var client = server.Connect();
        // Warm: the pools and files that stay are there before the first count.
        await Task.WhenAll(Enumerable.Range(0, 20).Select(number => CheckAsync(client, number)));
        var before = await ServerTraces.SettledAsync(server);

        for (var number = 0; number < 1000; number++) await CheckAsync(client, number);
        await Task.WhenAll(Enumerable.Range(1000, 200).Select(number => CheckAsync(client, number)));

        await ServerTraces.AssertAsBeforeAsync(server, before, growth: 64 * Mebibyte);
    }

    private static async Task CheckAsync(RunnerClient client, int number)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(ChildProcess.Limit);
        var text = string.Concat(Enumerable.Repeat($"{number} ", number % 50));
        var spec = new JobSpec
        {
            Command = "/bin/sh",
            Args = ["-c", "printf %s \"$1\"; printf %s \"$2\" >&2; exit $3", "sh", text + "out", text + "err", $"{number % 256}"],
            Limits = number % 3 == 0 ? new(Cpus: 1, MemoryBytes: 64 << 20, Pids: 16) : ResourceLimits.None,
        };
        var id = (await client.StartAsync(JobId.New(), spec, limit.Token)).Record.Id;
        Assert.Equal(text + "out", await TextAsync(client, id, OutputKind.Stdout, limit.Token));
        Assert.Equal(text + "err", await TextAsync(client, id, OutputKind.Stderr, limit.Token));
        var ended = await client.WaitAsync(id, limit.Token);
        Assert.Equal(new JobEnd.Exited(number % 256), ended.End);
        Assert.Equal((text.Length + 3, text.Length + 3), (ended.StdoutBytes, ended.StderrBytes));
    }

    private static async Task<string> TextAsync(RunnerClient client, JobId id, OutputKind kind, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        await foreach (var piece in client.ReadAsync(id, kind, follow: true, cancellationToken)) text.Append(Encoding.UTF8.GetString(piece.Span));
        return text.ToString();
    }
}
