using System.Globalization;
using Runner.Bench.Measuring;
using Runner.Bench.Programs;
using Runner.Client;
using Runner.Jobs;
using Runner.Output;

namespace Runner.Bench.Figures;

/// <summary>What a server holds: idle, for each running and each ended job, for each follower, and after much output.</summary>
sealed class MemoryFigure : IFigure
{
    private const double Kibi = 1024;

    // The server lets so many jobs and followers in as its descriptors allow.
    private const int OpenFiles = 20_000;

    public string Name => "memory";

    public async Task MeasureAsync(Session session)
    {
        Idle(session);
        await JobsAsync(session);
        await FollowersAsync(session);
        await OutputAsync(session);
    }

    /// <summary>The pages that are resident after a first call, and those that are its own.</summary>
    private void Idle(Session session)
    {
        var (rss, pss, keeperRss, keeperPss) = (new Samples(), new Samples(), new Samples(), new Samples());
        using var server = new ServedRunner(session.Binary);
        for (var i = 0; i < session.Times(5, 2); i++)
        {
            if (i > 0) server.Restart(between: () => { });
            server.Run("list");
            rss.Add(server.Memory.Rss / Kibi);
            pss.Add(server.Memory.Pss / Kibi);
            keeperRss.Add(server.KeeperMemory.Rss / Kibi);
            keeperPss.Add(server.KeeperMemory.Pss / Kibi);
        }
        session.Add(new(Name, "idle server, RSS", "MiB", rss) { Target = Target.OfMedian(30e6 / (1 << 20)), Note = "the target is 30 MB" });
        session.Add(new(Name, "idle server, PSS", "MiB", pss) { Target = Target.OfMedian(30e6 / (1 << 20)), Note = "pages that it shares with its keeper are counted by half" });
        session.Add(new(Name, "its keeper, RSS", "MiB", keeperRss));
        session.Add(new(Name, "its keeper, PSS", "MiB", keeperPss));
    }

    private async Task JobsAsync(Session session)
    {
        using var server = new ServedRunner(session.Binary, OpenFiles);
        using var client = server.Connect();
        for (var i = 0; i < 20; i++) await ServedRunner.RunJobAsync(client, "true");

        var (count, before, keeper) = (session.Times(500, 50), server.Memory, server.KeeperMemory);
        var jobs = new List<JobId>();
        for (var i = 0; i < count; i++)
        {
            jobs.Add(JobId.New());
            await client.StartAsync(jobs[^1], new JobSpec { Command = "sleep", Args = ["1000"] }, session.Cancelled);
        }
        session.Add(new(Name, $"for each of {count} running jobs, RSS of the server", "KiB", Each(before, server.Memory, count))
        {
            Target = Target.OfMedian(64), Note = $"{server.Helpers(count)} helper processes, the keeper included",
        });
        session.Add(new(Name, $"for each of {count} running jobs, RSS of the keeper", "KiB", Each(keeper, server.KeeperMemory, count)));
        await Task.WhenAll(jobs.Select(id => client.StopAsync(id, TimeSpan.Zero, 0, session.Cancelled)));

        (count, before) = (session.Times(2000, 100), server.Memory);
        for (var i = 0; i < count; i++) await ServedRunner.RunJobAsync(client, "true");
        session.Add(new(Name, $"for each of {count} ended jobs, RSS of the server", "KiB", Each(before, server.Memory, count))
        {
            Note = "after the running ones above have ended",
        });
    }

    private async Task FollowersAsync(Session session)
    {
        foreach (var count in session.Times(1, 0) == 1 ? new[] { 100, 1000 } : [100])
        {
            using var server = new ServedRunner(session.Binary, OpenFiles);
            using var client = server.Connect();
            for (var i = 0; i < 20; i++) await ServedRunner.RunJobAsync(client, "true");
            var id = JobId.New();
            await client.StartAsync(id, new JobSpec { Command = "sh", Args = ["-c", "echo here; exec sleep 1000"] }, session.Cancelled);
            var before = server.Memory;
            using var leave = CancellationTokenSource.CreateLinkedTokenSource(session.Cancelled);
            var followers = Enumerable.Range(0, count).Select(_ => Follower.Start(client, id, leave.Token)).ToList();
            await Task.WhenAll(followers.Select(follower => follower.Here)).WaitAsync(TimeSpan.FromSeconds(60), session.Cancelled);
            session.Add(new(Name, $"for each of {count} followers of a silent job, RSS of the server", "KiB", Each(before, server.Memory, count)));
            await leave.CancelAsync();
            await Task.WhenAll(followers.Select(follower => follower.Gone));
        }
    }

    private async Task OutputAsync(Session session)
    {
        using var server = new ServedRunner(session.Binary);
        using var client = server.Connect();
        await ServedRunner.RunJobAsync(client, "true");
        var idle = server.Memory.Rss;
        // The collector takes what it wants for young objects while the first megabytes flow, and keeps it.
        var (bytes, much) = (session.Times(1 << 30, 1 << 27), session.Times(1, 0) == 1 ? "a GiB" : "128 MiB");
        Follow(server, bytes);
        var before = server.Memory.Rss;
        Follow(server, bytes);
        session.Add(new(Name, $"RSS over idle after {much} of output", "MiB", Samples.Of((before - idle) / Kibi)));
        session.Add(new(Name, $"RSS gained by following {much} again", "MiB", Samples.Of((server.Memory.Rss - before) / Kibi)) { Target = Target.OfMedian(2) });
    }

    private static void Follow(ServedRunner server, int bytes) =>
        server.Run("run", "--", "head", "-c", bytes.ToString(CultureInfo.InvariantCulture), "/dev/zero");

    private static Samples Each(Memory before, Memory after, int count) => Samples.Of((after.Rss - before.Rss) / count);

    /// <summary>Somebody who reads a job's output until told to leave.</summary>
    private sealed class Follower
    {
        private readonly TaskCompletionSource _here = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Done with the first bytes.</summary>
        public Task Here => _here.Task;

        public Task Gone { get; private set; } = Task.CompletedTask;

        public static Follower Start(RunnerClient client, JobId id, CancellationToken leave)
        {
            var follower = new Follower();
            follower.Gone = follower.ReadAsync(client, id, leave);
            return follower;
        }

        private async Task ReadAsync(RunnerClient client, JobId id, CancellationToken leave)
        {
            try
            {
                await foreach (var _ in client.ReadAsync(id, OutputKind.Stdout, follow: true, leave)) _here.TrySetResult();
            }
            catch (OperationCanceledException)
            {
                // Told to.
            }
            catch (Exception e)
            {
                _here.TrySetException(e);
            }
        }
    }
}
