using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Runner.Client;
using Runner.Jobs;
using Runner.Output;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>Deeds of all kinds in random order against one server, each of which knows what must come of it.</summary>
sealed class Soak(LiveServer server, int seed)
{
    private static readonly ResourceLimits s_limits = new(Cpus: 1, MemoryBytes: 64 << 20, Pids: 16);

    /// <summary>What was started, and how it must have ended.</summary>
    private readonly ConcurrentDictionary<JobId, Expected> _jobs = new();

    public int Deeds => _deeds;

    public int Jobs => _jobs.Count;

    /// <summary>How many jobs there were in all when they were looked at.</summary>
    public int AllListed { get; private set; }

    private int _deeds;

    /// <summary>Does one deed after the other until the time is over.</summary>
    public async Task WorkAsync(int worker, TimeSpan time, CancellationToken cancellationToken)
    {
        // Each worker's deeds follow from the seed, whatever the others do.
        var random = new Random(HashCode.Combine(seed, worker));
        Func<Random, CancellationToken, Task>[] deeds =
        [
            RunAsync, RunAsync, RunAsync, StopAsync, StopAsync, SignalAsync, EatAsync, FollowInPartAsync, AskBadlyAsync, CutAsync, KillClientAsync, InterruptClientAsync, RefuseAsync, ListAsync,
        ];
        for (var start = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(start) < time;)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(ChildProcess.Limit);
            await deeds[random.Next(deeds.Length)](random, limit.Token);
            Interlocked.Increment(ref _deeds);
        }
    }

    /// <summary>Every job has the one end it must have, told the same twice, and every byte it wrote; each is listed once.</summary>
    public async Task AssertAllAsync(CancellationToken cancellationToken)
    {
        using var client = server.Connect();
        foreach (var (id, expected) in _jobs)
        {
            var ended = await client.WaitAsync(id, cancellationToken);
            Assert.True(expected.End(ended.End), $"job {id} ({expected.What}): ended by {ended.End}");
            using var bytes = await OutputAsync(client, id, cancellationToken);
            Assert.Equal(ended.StdoutBytes, bytes.Length);
            if (expected.Lines is { } lines) Assert.Equal(Digest(Lines(lines)), Digest(bytes.ToArray()));
            else Assert.True(Lines(100_000).AsSpan().StartsWith(bytes.ToArray()), $"job {id} ({expected.What}): its output is not what it wrote");
            Assert.Equal(ended, (await client.GetAsync(id, cancellationToken)).Record.State);
        }
        var listed = new HashSet<JobId>();
        await foreach (var job in client.ListAsync(JobFilter.None, 1000, cancellationToken)) Assert.True(listed.Add(job.Record.Id), $"job {job.Record.Id} is listed twice");
        Assert.Superset(_jobs.Keys.ToHashSet(), listed);
        AllListed = listed.Count;
    }

    private async Task RunAsync(Random random, CancellationToken cancellationToken)
    {
        using var client = server.Connect();
        var (lines, code) = (random.Next(20_000), random.Next(256));
        var id = await StartAsync(client, "run", $"seq {lines}; seq {lines} >&2; exit {code}", end => end == new JobEnd.Exited(code), lines, random.Next(2) == 0 ? s_limits : ResourceLimits.None, cancellationToken);
        using var bytes = await OutputAsync(client, id, cancellationToken);
        Assert.Equal(Digest(Lines(lines)), Digest(bytes.ToArray()));
        Assert.Equal(new JobEnd.Exited(code), (await client.WaitAsync(id, cancellationToken)).End);
    }

    private async Task StopAsync(Random random, CancellationToken cancellationToken)
    {
        using var client = server.Connect();
        var ignores = random.Next(3) == 0 ? "trap '' TERM; " : "";
        var id = await StartAsync(client, "stop", $"{ignores}setsid sleep 1000 & seq 100000; sleep 1000", IsStopped, null, s_limits, cancellationToken);
        var grace = TimeSpan.FromMilliseconds(random.Next(3) * 50);
        var stops = Enumerable.Range(0, 1 + random.Next(2)).Select(_ => StopOrLateAsync(client, id, grace, cancellationToken));
        await Task.WhenAll(stops);
        Assert.True(IsStopped((await client.WaitAsync(id, cancellationToken)).End));
    }

    private async Task SignalAsync(Random random, CancellationToken cancellationToken)
    {
        using var client = server.Connect();
        var signal = new[] { 1, 2, 6, 9, 11, 15 }[random.Next(6)];
        var lines = random.Next(1000);
        var id = await StartAsync(client, "signal", $"seq {lines}; kill -{signal} $$; sleep 1000", end => end is JobEnd.Signaled(var by, _) && by == signal, lines, ResourceLimits.None, cancellationToken);
        await client.WaitAsync(id, cancellationToken);
    }

    private async Task EatAsync(Random random, CancellationToken cancellationToken)
    {
        using var client = server.Connect();
        var limits = new ResourceLimits(MemoryBytes: 8 << 20);
        var eat = random.Next(2) == 0 ? "exec tail /dev/zero" : "tail /dev/zero; sleep 1000";
        var id = await StartAsync(client, "eat", eat, end => end is JobEnd.OutOfMemory, 0, limits, cancellationToken);
        await client.WaitAsync(id, cancellationToken);
    }

    private async Task FollowInPartAsync(Random random, CancellationToken cancellationToken)
    {
        // Its connection goes with it, in the middle of a call.
        using var client = server.Connect();
        var lines = 5000 + random.Next(20_000);
        var id = await StartAsync(client, "follow", $"seq {lines}; sleep 0.{random.Next(1, 5)}", end => end == new JobEnd.Exited(0), lines, ResourceLimits.None, cancellationToken);
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        leave.CancelAfter(random.Next(1, 200));
        try
        {
            await foreach (var piece in client.ReadAsync(id, OutputKind.Stdout, follow: true, leave.Token)) { }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // As was meant.
        }
    }

    private async Task AskBadlyAsync(Random random, CancellationToken cancellationToken)
    {
        using var client = server.Connect();
        var (spec, error) = new (JobSpec, JobError)[]
        {
            (new() { Command = "" }, JobError.BadField),
            (new() { Command = "/bin/true", Args = ["a\0"] }, JobError.BadField),
            (new() { Command = "/bin/true", Limits = new(Cpus: double.NaN) }, JobError.BadField),
            (new() { Command = "/bin/true", Limits = new(MemoryBytes: -1) }, JobError.BadField),
            (new() { Command = "/no/such/program" }, JobError.CannotStart),
            (new() { Command = "/etc/passwd", Limits = s_limits }, JobError.CannotStart),
            (new() { Command = "/bin/true", WorkingDirectory = "/no/such/folder" }, JobError.CannotStart),
            (new() { Command = "/bin/true", Limits = new(Io: new(["4095:77"], ReadBps: 1)) }, JobError.LimitUnavailable),
        }[random.Next(8)];
        Assert.Equal(error, (await Assert.ThrowsAsync<JobException>(() => client.StartAsync(JobId.New(), spec, cancellationToken))).Error);
        Assert.Equal(JobError.NoSuchJob, (await Assert.ThrowsAsync<JobException>(() => client.GetAsync(JobId.New(), cancellationToken))).Error);
        Assert.Equal(JobError.NoSuchJob, (await Assert.ThrowsAsync<JobException>(() => client.StopAsync(JobId.New(), null, 0, cancellationToken))).Error);
    }

    private async Task CutAsync(Random random, CancellationToken cancellationToken)
    {
        using var raw = new TcpClient();
        await raw.ConnectAsync(IPEndPoint.Parse(server.Address), cancellationToken);
        var bytes = new byte[random.Next(300)];
        random.NextBytes(bytes);
        await raw.GetStream().WriteAsync(bytes, cancellationToken);
        if (random.Next(2) == 0) raw.LingerState = new(true, 0); // a reset in place of an end
    }

    private async Task KillClientAsync(Random random, CancellationToken cancellationToken)
    {
        var (id, lines) = (JobId.New(), random.Next(20_000));
        await using (var client = server.Begin("run", "--id", id.ToString(), "--", "sh", "-c", $"seq {lines}; sleep 0.2"))
        {
            await Task.Delay(random.Next(100), cancellationToken);
            client.Signal(ChildProcess.SigKill);
        }

        // Whether it came to a start is a matter of moments; nobody stops the job then. A start with the same id makes it sure.
        using var again = server.Connect();
        await EnsureAsync(again, id, "killed client", new JobSpec { Command = "sh", Args = ["-c", $"seq {lines}; sleep 0.2"] }, end => end == new JobEnd.Exited(0), lines, cancellationToken);
    }

    private async Task InterruptClientAsync(Random _, CancellationToken cancellationToken)
    {
        var id = JobId.New();
        _jobs[id] = new("interrupted client", IsStopped, 1);
        await using var client = server.Begin("run", "--id", id.ToString(), "--", "sh", "-c", "echo 1; exec sleep 1000");
        await client.OutputHasAsync("1\n");
        client.Signal(ChildProcess.SigTerm); // SIGINT is ignored where the tests run in a shell's background
        await client.EndAsync();
    }

    private async Task RefuseAsync(Random random, CancellationToken cancellationToken)
    {
        string[][] words = [["status", "x"], ["start", "--cpu", "0", "--", "true"], ["start", "true"], ["stop", JobId.New().ToString()], ["logs", "--nonsense"]];
        await using var client = server.Begin(words[random.Next(words.Length)]);
        var ran = await client.EndAsync();
        Assert.True(ran.Code is 2 or 127, ran.Error);
        Assert.Single(ran.Error.TrimEnd('\n').Split('\n'));
    }

    private async Task ListAsync(Random random, CancellationToken cancellationToken)
    {
        using var client = server.Connect();
        var left = random.Next(1, 50);
        await foreach (var job in client.ListAsync(JobFilter.None, 1000, cancellationToken))
        {
            Assert.Equal(job.Record.Id, (await client.GetAsync(job.Record.Id, cancellationToken)).Record.Id);
            if (--left == 0) break;
        }
    }

    private async Task<JobId> StartAsync(
        RunnerClient client, string what, string script, Func<JobEnd, bool> end, int? lines, ResourceLimits limits, CancellationToken cancellationToken)
    {
        var id = JobId.New();
        _jobs[id] = new(what, end, lines);
        await client.StartAsync(id, new JobSpec { Command = "/bin/sh", Args = ["-c", script], Limits = limits }, cancellationToken);
        return id;
    }

    /// <summary>Starts it unless it runs already, in whatever words somebody else asked for it.</summary>
    private async Task EnsureAsync(RunnerClient client, JobId id, string what, JobSpec spec, Func<JobEnd, bool> end, int lines, CancellationToken cancellationToken)
    {
        _jobs[id] = new(what, end, lines);
        try
        {
            await client.StartAsync(id, spec, cancellationToken);
        }
        catch (JobException e) when (e.Error is JobError.IdInUse)
        {
            // By the client that was killed.
        }
    }

    private static async Task StopOrLateAsync(RunnerClient client, JobId id, TimeSpan grace, CancellationToken cancellationToken)
    {
        try
        {
            await client.StopAsync(id, grace, tailLines: 10, cancellationToken);
        }
        catch (JobException e) when (e.Error is JobError.AlreadyEnded)
        {
            // The other stop was faster.
        }
    }

    private static bool IsStopped(JobEnd end) => end is JobEnd.Stopped { By: "admin" };

    private static async Task<MemoryStream> OutputAsync(RunnerClient client, JobId id, CancellationToken cancellationToken)
    {
        var all = new MemoryStream();
        await foreach (var piece in client.ReadAsync(id, OutputKind.Stdout, follow: true, cancellationToken)) all.Write(piece.Span);
        return all;
    }

    private static byte[] Lines(int count) => Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, count).Select(number => $"{number}\n")));

    private static string Digest(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes));

    /// <param name="What">The deed it belongs to.</param>
    /// <param name="End">Whether an end is the one it must have.</param>
    /// <param name="Lines">How many numbers it wrote, from 1 on; null: as many as it came to.</param>
    private sealed record Expected(string What, Func<JobEnd, bool> End, int? Lines);
}
