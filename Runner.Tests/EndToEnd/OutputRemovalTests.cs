using System.Text.Json;
using Runner.Client;
using Runner.Jobs;
using Runner.Output;
using Runner.Tests.Support;
using Runner.Wire;

namespace Runner.Tests.EndToEnd;

/// <summary>What jobs wrote is removed apart from their records, by hand and by the server, and nobody is told wrong of it, whoever is killed meanwhile.</summary>
public sealed class OutputRemovalTests : IAsyncLifetime
{
    private readonly LiveServer _server = new();

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Output_is_removed_from_the_terminal_and_every_command_says_so()
    {
        var pinned = await _server.StartAsync("--pin", "--name", "pinned", "--", "sh", "-c", "echo hello; echo err >&2; exit 3");
        var other = await _server.StartAsync("--", "echo", "hello");
        var before = await _server.EndAsync(pinned);
        await _server.EndAsync(other);
        Assert.True(before.GetProperty("pinned").GetBoolean());
        Assert.False(before.GetProperty("output").TryGetProperty("pruned_at", out _));

        (await _server.RunnerAsync("prune", "--output-only")).ExpectRefusal(2, "prune: say which jobs, such as --older-than 7d");
        Assert.Equal("would remove the output of 1 job, 30 B\n", await PruneAsync("--output-only", "--older-than", "0", "--dry-run"));
        Assert.Equal("removed the output of 1 job, 30 B\n", await PruneAsync("--output-only", "--older-than", "0"));
        Assert.Equal("{\"jobs\":0,\"bytes\":0,\"skipped\":0,\"dry_run\":false}\n", await PruneAsync("--output-only", "--older-than", "0", "--json"));
        await UntilAsync(async () => (await _server.RunnerAsync("rm", "--output-only", "--json", "pinned")) is { Code: 0, Output: var told } && told == $"{{\"id\":\"{pinned}\",\"bytes\":58}}\n");
        Assert.Equal($"{{\"id\":\"{pinned}\",\"bytes\":0}}\n", (await _server.RunnerAsync("rm", "--output-only", "--json", "pinned")).Expect(0).Output);
        Assert.Empty(Directory.GetDirectories(Path.Combine(_server.State, "jobs")));

        var after = await _server.StatusAsync(pinned);
        foreach (var kept in new[] { "stdout_bytes", "stderr_bytes", "end", "usage", "pinned", "pid" })
            Assert.Equal(before.GetProperty(kept).GetRawText(), after.GetProperty(kept).GetRawText());
        Assert.Equal(before.GetProperty("output").GetProperty("stdout_sha256").GetString(), after.GetProperty("output").GetProperty("stdout_sha256").GetString());
        Assert.True(after.GetProperty("output").GetProperty("pruned_at").GetDateTime() <= DateTime.UtcNow);
        Assert.Matches("(?m)^output   6 B stdout, 4 B stderr.*; pruned [0-9TZ:.-]+: nothing of it is kept$", (await _server.RunnerAsync("status", pinned)).Expect(0).Output);

        const string Out = "runner: gap: bytes 0 to 6 of stdout are gone (pruned)\n", Err = "runner: gap: bytes 0 to 4 of stderr are gone (pruned)\n";
        foreach (var (expected, words) in new[]
        {
            (Out, "logs"), (Out, "logs -f"), (Out, "logs --no-follow"), (Out, "logs --tail 1"), (Out, "logs -t"), (Out, "logs --since 1h"), (Err, "logs --stderr"), (Out + Err, "logs --both"),
            (Out + Err, "logs --both -t --tail 1"), ("runner: gap: bytes 4 to 6 of stdout are gone (pruned)\n", "logs --tail-bytes 2"),
        })
        {
            var ran = (await _server.RunnerAsync([.. words.Split(' '), pinned])).Expect(0);
            Assert.Equal((words, "", expected), (words, ran.Output, ran.Error));
        }
        var run = (await _server.RunnerAsync("run", "--id", pinned, "--pin", "--name", "pinned", "--", "sh", "-c", "echo hello; echo err >&2; exit 3")).Expect(3);
        Assert.Equal(("", true, true), (run.Output, run.Error.Contains(Out, StringComparison.Ordinal), run.Error.Contains(Err, StringComparison.Ordinal)));
        (await _server.RunnerAsync("start", "--id", pinned, "--name", "pinned", "--", "sh", "-c", "echo hello; echo err >&2; exit 3")).ExpectRefusal(1, "in use for another job");
        await VerifiedAsync(pinned, other);

        Assert.Equal("removed 1 job, 0 B of output\n", await PruneAsync("--older-than", "0"));
        await UntilAsync(async () => (await _server.RunnerAsync("rm", pinned)).Code == 0); // as below
    }

    /// <summary>What was pruned does not differ, and is not as recorded either.</summary>
    private async Task VerifiedAsync(string pruned, string alsoPruned)
    {
        Assert.Matches("^stdout: pruned: nothing is left to compare with what was recorded: 6 bytes, sha256 [0-9a-f]{64}\nstderr: pruned: nothing is left to compare with what was recorded: 4 bytes, sha256 [0-9a-f]{64}\n$",
            (await _server.RunnerAsync("verify", pruned)).Expect(3).Output);
        Assert.Matches("stderr: 0 bytes, sha256 [0-9a-f]{64}, as recorded\n$", (await _server.RunnerAsync("verify", alsoPruned)).Expect(3).Output);
        using var json = JsonDocument.Parse((await _server.RunnerAsync("verify", "--json", alsoPruned)).Expect(3).Output);
        Assert.Equal((false, true), (json.RootElement.GetProperty("verified").GetBoolean(), json.RootElement.GetProperty("pruned").GetBoolean()));

        var whole = await _server.StartAsync("--label", "left=yes", "--", "echo", "whole");
        await _server.EndAsync(whole);
        (await _server.RunnerAsync("verify", whole)).Expect(0);
        (await _server.RunnerAsync("verify", whole, pruned)).Expect(3);
        await File.WriteAllTextAsync(Path.Combine(_server.State, "jobs", whole, "stdout"), "wHole\n", Token);
        (await _server.RunnerAsync("verify", whole, pruned)).Expect(1); // that something differs counts for more
        await UntilAsync(async () => (await _server.RunnerAsync("rm", whole)).Code == 0); // a reader's place is given back a moment after its stream has ended
    }

    [Fact]
    public async Task A_servers_own_limit_of_output_takes_that_of_the_oldest_ends_and_leaves_their_records()
    {
        await _server.StopAsync();
        await _server.ServeAsync("--keep-output", "150K");
        var jobs = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            jobs.Add(await _server.ShellAsync("head -c 60000 /dev/zero"));
            (await _server.RunnerAsync("wait", jobs[^1])).Expect(0);
        }
        await UntilAsync(() => Task.FromResult(!Directory.Exists(Path.Combine(_server.State, "jobs", jobs[0]))));
        Assert.Equal(jobs[..1], (await JobsAsync()).Where(job => job.Record.State is JobState.Ended { PrunedAt: not null }).Select(job => job.Record.Id.ToString()));
        Assert.Equal("runner: gap: bytes 0 to 60000 of stdout are gone (pruned)\n", (await _server.RunnerAsync("logs", jobs[0])).Expect(0).Error);
        (await _server.RunnerAsync("verify", jobs[1], jobs[2])).Expect(0);
    }

    [Fact]
    public async Task A_server_that_is_killed_in_the_middle_of_200_prunes_leaves_each_output_whole_or_told_as_gone()
    {
        const int Many = 200;
        using (var client = _server.Connect())
            await Parallel.ForAsync(0, Many, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Token }, async (i, cancellationToken) =>
            {
                var id = JobId.New();
                await client.StartAsync(id, new JobSpec { Command = "sh", Args = ["-c", $"echo out {i}; echo err {i} >&2"], Name = $"job-{i}" }, cancellationToken);
                await client.EndedAsync(id, cancellationToken);
            });
        var jobs = await JobsAsync();
        Assert.Equal(Many, jobs.Count);

        // Newest first. With so much in its folder the 50th takes longer to remove than it takes to see the first one go.
        var folders = jobs.ConvertAll(job => Path.Combine(_server.State, "jobs", job.Record.Id.ToString()));
        for (var i = 0; i < 20_000; i++) File.Create(Path.Combine(folders[50], $"{i}")).Dispose();
        _server.Expect("was killed by signal 9");
        await using (var prune = _server.Begin("prune", "--output-only", "--older-than", "0", "--reconnect", "0"))
        {
            for (var i = 0; Directory.Exists(folders[0]); i++)
            {
                Assert.InRange(i, 0, 60_000);
                Thread.Sleep(1);
            }
            _server.KillServer();
            Assert.True((await prune.EndAsync()).Code is 0 or 125);
        }

        // While the next server finishes, and after that.
        (await _server.RunnerAsync("list")).Expect(0);
        var pruned = await ReadAllAsync(Many);
        await UntilAsync(() => Task.FromResult(folders.Where((_, i) => pruned.Contains(jobs[i].Record.Id)).All(folder => !Directory.Exists(folder))));
        Assert.Equal(Many - pruned.Count, folders.Count(Directory.Exists));
        Assert.Equal(pruned, await ReadAllAsync(Many));
        TestContext.Current.TestOutputHelper?.WriteLine($"{pruned.Count} of {Many} had been pruned");

        using (var client = _server.Connect())
        {
            Removed would = default;
            await UntilAsync(async () => (would = await PruneAllAsync(client, dryRun: true)).Skipped == 0);
            Assert.Equal(Many - pruned.Count, would.Jobs);
            Assert.Equal(would, await PruneAllAsync(client, dryRun: false));
            Assert.Equal(Removed.Nothing, await PruneAllAsync(client, dryRun: false));
        }
        Assert.Empty(Directory.GetDirectories(Path.Combine(_server.State, "jobs")));
        Assert.Equal(Many, (await ReadAllAsync(Many)).Count);
    }

    private static Task<Removed> PruneAllAsync(RunnerClient client, bool dryRun) => client.PruneAsync(JobFilter.None, TimeSpan.Zero, RemovalScope.Output, dryRun, Token);

    private async Task<List<JobView>> JobsAsync()
    {
        using var client = _server.Connect();
        return await client.ListAsync(JobFilter.None, 1000, Token).ToListAsync(Token);
    }

    /// <summary>Reads every job's both streams, each of which is whole or gone as its record says; returns those that are gone.</summary>
    private async Task<HashSet<JobId>> ReadAllAsync(int count)
    {
        var jobs = await JobsAsync();
        Assert.Equal(count, jobs.Count);
        using var client = _server.Connect();
        var pruned = new HashSet<JobId>();
        foreach (var job in jobs)
        {
            var isPruned = job.Record.State is JobState.Ended { PrunedAt: not null };
            if (isPruned) pruned.Add(job.Record.Id);
            Assert.NotNull(job.Stdout?.Sha256);
            foreach (var (kind, name) in new[] { (OutputKind.Stdout, "out"), (OutputKind.Stderr, "err") })
            {
                var text = $"{name} {job.Record.Spec.Name[4..]}\n";
                var (read, gaps) = ("", new List<OutputGap>());
                await foreach (var part in client.ReadAsync(job.Record.Id, new OutputWish(kind, OutputBegin.Start, Follow: true), Token))
                {
                    read += System.Text.Encoding.ASCII.GetString(part.Bytes.Span);
                    if (part.Gap is { } gap) gaps.Add(gap);
                }
                Assert.Equal(isPruned ? "" : text, read);
                Assert.Equal(isPruned ? [new OutputGap(0, text.Length, GapReason.Pruned)] : [], gaps);
            }
        }
        return pruned;
    }

    private async Task<string> PruneAsync(params string[] words)
    {
        for (var i = 0; ; i++)
        {
            var told = (await _server.RunnerAsync(["prune", .. words])).Expect(0).Output;
            if (!told.Contains("being read", StringComparison.Ordinal)) return told;
            Assert.InRange(i, 0, 100);
        }
    }

    private static Task UntilAsync(Func<Task<bool>> condition) => Until.SoAsync(condition, "what is to go is gone");
}
