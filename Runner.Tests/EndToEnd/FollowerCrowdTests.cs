using System.Globalization;
using System.Security.Cryptography;
using Runner.Client;
using Runner.Jobs;
using Runner.Output;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>A thousand followers of one job: what they get, and what they cost.</summary>
public sealed class FollowerCrowdTests(LiveServer server) : IClassFixture<LiveServer>
{
    private const int Crowd = 1000, Stalled = 200, Processes = 4, PartSize = 600_000;
    private const int Calls = 190; // below the 200 streams a server takes on one connection

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_thousand_followers_get_every_byte_though_some_stall_and_the_server_stays_small()
    {
        using var folder = new TemporaryFolder();
        var bytes = RandomNumberGenerator.GetBytes(2 * PartSize);
        await File.WriteAllBytesAsync(folder.At("bytes"), bytes, Token);
        (await ChildProcess.ShellAsync("mkfifo \"$1\"", folder.At("gate"))).Expect(0);
        // A line through the gate lets the next part out.
        var job = await server.StartAsync("--", "bash", "-c", """
            exec 3<"$1/gate"
            for part in 0 1; do read -r -u 3; tail -c +$((part * $2 + 1)) "$1/bytes" | head -c "$2"; done; read -r -u 3
            """, "bash", folder.Path, $"{PartSize}");
        await using var gate = new StreamWriter(folder.At("gate")) { AutoFlush = true };
        var clients = Enumerable.Range(0, (Crowd + Calls - 1) / Calls).Select(_ => server.Connect()).ToList();
        var processes = new List<ChildProcess>();
        try
        {
            foreach (var client in clients) await client.InfoAsync(Token);
            var (memory, files) = (Memory(), Files());

            // As many as will stall at first; the rest read on.
            var stall = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var followers = Enumerable.Range(0, Crowd)
                .Select(i => FollowAsync(clients[i / Calls], JobId.Parse(job), i % (Crowd / Stalled) == 0 ? stall.Task : null)).ToList();
            for (var i = 0; i < Processes; i++) processes.Add(server.Begin("logs", job));
            await Until.SoAsync(async () => (await clients[0].GetAsync(JobId.Parse(job), Token)).Followers == Crowd + Processes, "all follow");
            var idle = Memory() - memory;
            TestContext.Current.SendDiagnosticMessage($"1000 idle followers: {idle >> 10} KiB, {idle / Crowd} bytes each");

            // With a buffer for each it would be more than 64 KiB; half of what it is now is garbage that no collection was due for yet.
            Assert.InRange(idle / Crowd, 0, 40 * 1024);

            await gate.WriteLineAsync();
            foreach (var process in processes) await process.OutputReachesAsync(PartSize);
            await gate.WriteLineAsync();
            await gate.WriteLineAsync();
            var digest = Convert.ToHexString(SHA256.HashData(bytes));
            for (var i = 0; i < Crowd; i++)
                if (i % (Crowd / Stalled) != 0) Assert.Equal(digest, await followers[i].WaitAsync(ChildProcess.Limit, Token));
            foreach (var process in processes) Assert.Equal(digest, Convert.ToHexString(SHA256.HashData((await process.EndAsync()).Expect(0).Bytes)));
            Assert.All(Enumerable.Range(0, Stalled), i => Assert.False(followers[i * (Crowd / Stalled)].IsCompleted));
            var stalled = Memory() - memory;
            TestContext.Current.SendDiagnosticMessage($"200 of them stalled, the others gone: {stalled >> 10} KiB");

            stall.SetResult();
            Assert.All(await Task.WhenAll(followers).WaitAsync(ChildProcess.Limit, Token), read => Assert.Equal(digest, read));
            await Until.SoAsync(() => Files() <= files && Memory() - memory < 60 << 20, () => $"all is given back, but {Files()} descriptors and {Memory() - memory} bytes are there");
            var after = Memory() - memory;
            TestContext.Current.SendDiagnosticMessage($"all gone: {after >> 10} KiB");

            // With a buffer of 64 KiB for each it would be some 240 MiB for good.
            Assert.InRange(stalled, 0, 150 << 20);
            Assert.InRange(after, 0, 60 << 20);
        }
        finally
        {
            foreach (var process in processes) await process.DisposeAsync();
            foreach (var client in clients) client.Dispose();
        }
    }

    /// <summary>Reads to the end, after the first part not before the task is done; answers the digest.</summary>
    private static async Task<string> FollowAsync(RunnerClient client, JobId job, Task? stall)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await foreach (var part in client.ReadAsync(job, OutputKind.Stdout, follow: true, Token))
        {
            digest.AppendData(part.Span);
            if (stall is not null) await stall;
        }
        return Convert.ToHexString(digest.GetHashAndReset());
    }

    private int Files() => Directory.GetFiles($"/proc/{server.Id}/fd").Length;

    /// <summary>Bytes of the server's own in memory: without what is mapped from its file.</summary>
    private long Memory() => 1024 * long.Parse(
        File.ReadLines($"/proc/{server.Id}/status").Single(line => line.StartsWith("RssAnon:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2],
        CultureInfo.InvariantCulture);
}
