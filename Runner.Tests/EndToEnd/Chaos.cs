using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Runner.Client;
using Runner.Jobs;
using Runner.Output;
using Runner.Tests.Support;
using Runner.Wire;

namespace Runner.Tests.EndToEnd;

/// <summary>Jobs of known output and end, started and followed without pause while somebody kills the server.</summary>
/// <param name="server">The server.</param>
/// <param name="seed">Of what is random.</param>
/// <param name="mayBeAway">Nothing may listen for a while.</param>
sealed partial class Chaos(LiveServer server, int seed, bool mayBeAway) : IDisposable
{
    private const int MostAtOnce = 60;

    private readonly ConcurrentDictionary<JobId, ChaosJob> _started = new();
    private readonly SemaphoreSlim _places = new(MostAtOnce);
    private int _interruptions;
    private int _followed;

    /// <summary>Those whose start was answered.</summary>
    public IReadOnlyCollection<ChaosJob> Started => (IReadOnlyCollection<ChaosJob>)_started.Values;

    /// <summary>How often some client lost its server.</summary>
    public int Interruptions => _interruptions;

    /// <summary>How many streams were followed to their end.</summary>
    public int Followed => _followed;

    /// <summary>Starts jobs, and sees each to its end, until it is told to stop.</summary>
    public async Task WorkAsync(int worker, Func<bool> isOver, CancellationToken cancellationToken)
    {
        var random = new Random(HashCode.Combine(seed, worker));
        using var client = Connect();
        var seen = new List<Task>();
        while (!isOver())
        {
            await _places.WaitAsync(cancellationToken);
            var job = ChaosJob.Of(random);
            await EnsureAsync(() => client.StartAsync(job.Id, job.Spec, cancellationToken));
            _started[job.Id] = job;
            seen.Add(SeeToItsEndAsync(client, job, random.Next(4), cancellationToken));
        }
        await Task.WhenAll(seen);
    }

    /// <summary>Runs jobs by the command line, which must end with their code and have every byte.</summary>
    public async Task RunAsync(int worker, Func<bool> isOver, CancellationToken cancellationToken)
    {
        var random = new Random(HashCode.Combine(seed, worker));
        while (!isOver())
        {
            ChaosJob job;
            do job = ChaosJob.Of(random);
            while (job.Kind is ChaosKind.Stopped or ChaosKind.TimesOut);
            string[] words = ["run", "--id", job.Id.ToString(), "--grace", "20s", "--label", $"chaos={job.Kind}", "--cwd", "/", "--", job.Spec.Command, .. job.Spec.Args];
            await using var run = server.Begin(words);
            var ran = await run.EndAsync(ChildProcess.Limit * 2);

            // The server may die while it looks at the certificate, which nobody can tell from a refusal. Then its user asks again.
            while (ran.Code == 125 && WasNotReached(ran.Error))
            {
                await using var again = server.Begin(words);
                ran = await again.EndAsync();
            }
            _started[job.Id] = job;
            Assert.True(ran.Code == job.Code, $"run of {job} ended with {ran.Code}: {ran.Error}");
            AssertWrote(job, OutputKind.Stdout, ran.Bytes, "run");

            // They may stand in the middle of a line of the job's, whose rest has not come yet.
            AssertWrote(job, OutputKind.Stderr, System.Text.Encoding.ASCII.GetBytes(Told().Replace(ran.Error, "")), "run");
            Interlocked.Add(ref _followed, 2);
        }
    }

    /// <summary>Each job that was answered for is there once, with its end and its bytes, and no other that runs.</summary>
    public async Task AssertAllAsync(CancellationToken cancellationToken)
    {
        using var client = Connect();
        var listed = new Dictionary<JobId, JobView>();
        await foreach (var job in client.ListAsync(JobFilter.None, 1000, cancellationToken)) Assert.True(listed.TryAdd(job.Record.Id, job), $"job {job.Record.Id} is listed twice");
        foreach (var job in _started.Values)
        {
            Assert.True(listed.ContainsKey(job.Id), $"{job} was answered for and is not there");
            var ended = await client.WaitAsync(job.Id, cancellationToken);
            Assert.True(job.EndsBy(ended.End), $"{job} ended by {ended.End}");
            foreach (var kind in new[] { OutputKind.Stdout, OutputKind.Stderr })
                AssertWrote(job, kind, await ReadAsync(client, job.Id, new(kind, OutputBegin.Start, Follow: true), cancellationToken), "stored");
            await AssertPiecesAsync(client, job, cancellationToken);
        }
        Assert.All(listed.Values, job => Assert.True(_started.ContainsKey(job.Record.Id) || job.Record.State is JobState.Ended, $"job {job.Record.Id} runs and nobody has started it"));
    }

    public void Dispose() => _places.Dispose();

    /// <summary>A client that comes back to its server as the command line does.</summary>
    private RunnerClient Connect() => server.Connect(new Reconnection(TimeSpan.FromMinutes(1), sentence =>
    {
        if (sentence.Contains("lost", StringComparison.Ordinal)) Interlocked.Increment(ref _interruptions);
    }));

    private async Task SeeToItsEndAsync(RunnerClient client, ChaosJob job, int followers, CancellationToken cancellationToken)
    {
        try
        {
            // Each with a connection of its own, or with the one that started it.
            using var own = Connect();
            var following = Enumerable.Range(0, followers).Select(i => Task.Run(() => FollowAsync(i % 2 == 0 ? own : client, job, i, cancellationToken), cancellationToken)).ToList();
            if (job.Kind is ChaosKind.Stopped) await StopAsync(client, job, cancellationToken);
            await Task.WhenAll(following);
            var ended = await EnsureAsync(() => client.WaitAsync(job.Id, cancellationToken));
            Assert.True(job.EndsBy(ended.End), $"{job} ended by {ended.End}");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new InvalidOperationException($"{e.Message}\n{await TellAsync(client, job, cancellationToken)}", e);
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>What there is to be known of a job that went wrong.</summary>
    private async Task<string> TellAsync(RunnerClient client, ChaosJob job, CancellationToken cancellationToken)
    {
        var record = (await EnsureAsync(() => client.GetAsync(job.Id, cancellationToken))).Record;
        return string.Join('\n', [$"started at {record.StartedAt:O}, now {record.State}", .. server.Log.Split('\n').Where(line => line.Contains(job.Id.ToString(), StringComparison.Ordinal))]);
    }

    private async Task FollowAsync(RunnerClient client, ChaosJob job, int how, CancellationToken cancellationToken)
    {
        var random = new Random(HashCode.Combine(seed, job.First, how));
        switch (how)
        {
            case 0:
                var bytes = await EnsureAsync(() => ReadAsync(client, job.Id, new(OutputKind.Stdout, OutputBegin.Start, Follow: true), cancellationToken));
                AssertWrote(job, OutputKind.Stdout, bytes, "follower");
                break;
            case 1:
                var streams = new[] { new MemoryStream(), new MemoryStream() };
                await EnsureAsync(async () =>
                {
                    foreach (var stream in streams) stream.SetLength(0);
                    await foreach (var part in client.ReadAsync(job.Id, new(null, OutputBegin.Start, Follow: true, Times: random.Next(2) == 0), cancellationToken))
                        streams[(int)part.Kind].Write(BytesOf(job.Id, part).Span);
                    return true;
                });
                foreach (var kind in new[] { OutputKind.Stdout, OutputKind.Stderr }) AssertWrote(job, kind, streams[(int)kind].ToArray(), "follower of both");
                break;
            default:
                var expected = job.Expected(OutputKind.Stderr);
                var from = random.Next(expected.Length);
                var rest = await EnsureAsync(() => ReadAsync(client, job.Id, new(OutputKind.Stderr, new OutputBegin.At(from), Follow: true), cancellationToken));
                Assert.True(expected.AsSpan(from).SequenceEqual(rest), $"{job}: a follower from byte {from} of {expected.Length} got {rest.Length} that are not the rest");
                break;
        }
        Interlocked.Increment(ref _followed);
    }

    /// <summary>Stops it when it has written all that it writes by itself.</summary>
    private async Task StopAsync(RunnerClient client, ChaosJob job, CancellationToken cancellationToken)
    {
        await EnsureAsync(() => ReadAsync(client, job.Id, new(OutputKind.Stdout, OutputBegin.Start, Follow: true, Limit: job.OwnBytes), cancellationToken));
        await EnsureAsync(() => ReadAsync(client, job.Id, new(OutputKind.Stderr, OutputBegin.Start, Follow: true, Limit: job.Expected(OutputKind.Stderr).Length), cancellationToken));
        var stopped = await EnsureAsync(() => client.StopAsync(job.Id, null, tailLines: 1, cancellationToken));
        Assert.True(stopped.StdoutTail.Span.SequenceEqual("bye\n"u8), $"{job} was stopped, is {stopped.Job.Record.State}, and wrote last {System.Text.Encoding.ASCII.GetString(stopped.StdoutTail.Span)}");
    }

    /// <summary>The index has every byte of each stream, each once.</summary>
    private static async Task AssertPiecesAsync(RunnerClient client, ChaosJob job, CancellationToken cancellationToken)
    {
        var streams = new[] { new MemoryStream(), new MemoryStream() };
        DateTimeOffset last = default;
        await foreach (var part in client.ReadAsync(job.Id, new(null, OutputBegin.Start, Follow: false, Times: true), cancellationToken))
        {
            streams[(int)part.Kind].Write(BytesOf(job.Id, part).Span);
            Assert.True(part.CapturedAt >= last, $"{job}: a piece was captured at {part.CapturedAt}, before {last}");
            last = part.CapturedAt!.Value;
        }
        foreach (var kind in new[] { OutputKind.Stdout, OutputKind.Stderr }) AssertWrote(job, kind, streams[(int)kind].ToArray(), "pieces");
    }

    /// <summary>As a user does it whose server died while it looked at the certificate.</summary>
    public async Task<T> EnsureAsync<T>(Func<Task<T>> call)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (ServerUnreachableException e) when (WasNotReached(e.Message))
            {
                await Task.Delay(10);
            }
        }
    }

    /// <summary>Whoever has not been accepted yet is not waited for, and has to ask again.</summary>
    private bool WasNotReached(string sentence) =>
        (mayBeAway && sentence.Contains("nothing listens at", StringComparison.Ordinal)) || sentence.Contains("it may not accept", StringComparison.Ordinal) || sentence.Contains("did not answer in time", StringComparison.Ordinal);

    private static async Task<byte[]> ReadAsync(RunnerClient client, JobId id, OutputWish wish, CancellationToken cancellationToken)
    {
        using var all = new MemoryStream();
        await foreach (var part in client.ReadAsync(id, wish, cancellationToken)) all.Write(BytesOf(id, part).Span);
        return all.ToArray();
    }

    [GeneratedRegex("runner: (connection to [0-9.:]+ lost; reconnecting|reconnected after [0-9.]+ s)\n")]
    private static partial Regex Told();

    private static ReadOnlyMemory<byte> BytesOf(JobId id, OutputPart part)
    {
        if (part.Gap is not null) Assert.Fail($"job {id}: {part.Kind} has {part.Gap}");
        return part.Bytes;
    }

    private static void AssertWrote(ChaosJob job, OutputKind kind, byte[] bytes, string how)
    {
        if (job.Wrote(kind, bytes)) return;
        var expected = job.Expected(kind);
        Assert.Fail($"{job}: {how}: {kind} has {bytes.Length} bytes of {expected.Length}, the same up to {expected.AsSpan().CommonPrefixLength(bytes)}");
    }
}
