using System.Security.Cryptography;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

public sealed class ManyFollowersTests(LiveServer server) : IClassFixture<LiveServer>
{
    private const int Parts = 20;
    private const int PartSize = 300_000;

    [Fact]
    public async Task Twenty_followers_that_come_at_different_times_all_get_every_byte_though_one_is_killed()
    {
        using var folder = new TemporaryFolder();
        var bytes = RandomNumberGenerator.GetBytes(Parts * PartSize);
        await File.WriteAllBytesAsync(folder.At("bytes"), bytes, TestContext.Current.CancellationToken);
        (await ChildProcess.ShellAsync("mkfifo \"$1\"", folder.At("gate"))).Expect(0);
        // A line through the gate lets the next part out; between two of them another follower comes.
        var job = await server.StartAsync("--", "bash", "-c", """
            exec 3<"$1/gate"
            for ((part = 0; part < $2; part++)); do read -r -u 3; tail -c +$((part * $3 + 1)) "$1/bytes" | head -c "$3"; done
            """, "bash", folder.Path, $"{Parts}", $"{PartSize}");
        var followers = new List<ChildProcess>();
        try
        {
            await using (var gate = new StreamWriter(folder.At("gate")) { AutoFlush = true })
            {
                for (var part = 1; part <= Parts; part++)
                {
                    followers.Add(server.Begin("logs", "-f", job));
                    await gate.WriteLineAsync();
                    await followers[0].OutputReachesAsync(part * PartSize);
                    if (part == Parts / 2) followers[1].Signal(ChildProcess.SigKill);
                }
            }
            var digest = SHA256.HashData(bytes);
            for (var follower = 0; follower < Parts; follower++)
            {
                if (follower == 1) continue;
                Assert.Equal(digest, SHA256.HashData((await followers[follower].EndAsync()).Expect(0).Bytes));
            }
            Assert.Equal(0, (await server.EndAsync(job)).GetProperty("end").GetProperty("code").GetInt32());
        }
        finally
        {
            foreach (var follower in followers) await follower.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_follower_that_does_not_read_holds_up_neither_the_job_nor_the_others()
    {
        using var folder = new TemporaryFolder();
        (await ChildProcess.ShellAsync("mkfifo \"$1\"", folder.At("gate"))).Expect(0);
        // More than all pipes and buffers on the way hold.
        var bytes = RandomNumberGenerator.GetBytes(30_000_000);
        await File.WriteAllBytesAsync(folder.At("bytes"), bytes, TestContext.Current.CancellationToken);
        var job = await server.StartAsync("--", "sh", "-c", "cat \"$1\"; exec sleep 1000", "sh", folder.At("bytes"));
        await using var slow = ChildProcess.Start(
            "/bin/bash", ["-c", "\"$0\" logs -f \"$1\" | { echo waits; read -r <\"$2\"; cat; }", RunnerBinary.Path, job, folder.At("gate")], server.Environment());
        await slow.OutputHasAsync("waits\n");
        await using var quick = server.Begin("logs", "-f", job);
        await quick.OutputReachesAsync(bytes.Length);
        (await server.RunnerAsync("stop", job)).Expect(0);
        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData((await quick.EndAsync()).Expect(0).Bytes));

        await File.WriteAllTextAsync(folder.At("gate"), "go\n", TestContext.Current.CancellationToken);
        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData((await slow.EndAsync()).Expect(0).Bytes.AsSpan("waits\n".Length)));
    }
}
