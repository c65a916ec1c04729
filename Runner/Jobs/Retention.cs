using Microsoft.Extensions.Logging;

namespace Runner.Jobs;

/// <summary>Removes what a server is not to keep any longer, in the background and a few jobs at a time.</summary>
sealed class Retention : IAsyncDisposable
{
    private const int AtOnce = 32;
    private const int LookedAtOnce = 1000;
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_longestRest = TimeSpan.FromMinutes(1); // though a pass was held up, as by a disk
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(5);

    private readonly JobRegistry _jobs;
    private readonly IJobArchive _archive;
    private readonly JobRemoval _removal;
    private readonly RetentionRules _rules;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    /// <summary>Begins at once.</summary>
    public Retention(JobRegistry jobs, IJobArchive archive, JobRemoval removal, RetentionRules rules, TimeProvider time, ILogger<Retention> logger)
    {
        (_jobs, _archive, _removal, _rules, _time, _logger) = (jobs, archive, removal, rules, time, logger);
        _running = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            using var timer = new PeriodicTimer(s_look, _time);
            var (ends, last, rest, pause) = (-1, 0L, TimeSpan.Zero, Pause());
            do
            {
                // Jobs grow old by themselves; all other limits are passed only when one ends. At most a fiftieth of a thread is
                // spent, unless a pass takes more than a second: then there is one a minute.
                var since = _time.GetElapsedTime(last);
                if (since < pause && (_jobs.Ends == ends || since < rest)) continue;
                var start = _time.GetTimestamp();
                ends = _jobs.Ends;
                await TryAsync(() => _removal.FinishAsync(_stop.Token)).ConfigureAwait(false);
                await TryAsync(PassAsync).ConfigureAwait(false);
                (last, rest) = (_time.GetTimestamp(), _time.GetElapsedTime(start) * 50);
                if (rest > s_longestRest) rest = s_longestRest;
            }
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The server ends.
        }
    }

    private TimeSpan Pause()
    {
        var shortest = _rules.ForLabels.Select(rule => rule.KeepFor).Append(_rules.KeepFor).Min() / 10;
        return shortest < s_longestPause ? shortest.Value : s_longestPause;
    }

    private async Task TryAsync(Func<Task> step)
    {
        try
        {
            await step().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _logger.RetentionFailed(e.Message); // and is tried at the next pass
        }
    }

    private async Task PassAsync()
    {
        var (now, removed) = (_time.GetUtcNow(), Removed.Nothing);
        foreach (var rule in _rules.ForLabels)
        {
            if (rule.KeepFor is not { } keepFor) continue;
            var filter = new JobFilter { Running = false, Pinned = false, Labels = [rule.Label], EndedBefore = now - keepFor };
            removed += await _removal.PruneAsync(filter, record => _rules.IsOver(record, now), dryRun: false, _stop.Token).ConfigureAwait(false);
        }
        var (whole, output) = await PassEndsAsync(now).ConfigureAwait(false);
        removed += whole;
        if (removed.Jobs > 0) _logger.RetentionRemoved(removed.Jobs, removed.Bytes);
        if (output.Jobs > 0) _logger.RetentionPruned(output.Jobs, output.Bytes);
    }

    /// <summary>From the newest end to the oldest: whatever comes after the limits have been reached goes, of those of output the output alone.</summary>
    private async Task<(Removed Whole, Removed Output)> PassEndsAsync(DateTimeOffset now)
    {
        var (whole, output, last) = (Removed.Nothing, Removed.Nothing, (StoredEnd?)null);
        List<Tally>? limits = null;
        while (_archive.Ends(last, LookedAtOnce) is { Count: > 0 } ends)
        {
            // In this order nothing is counted twice; a job that ends between the two is counted the next time.
            limits ??= [.. _rules.ForLabels.Where(rule => rule.KeepFor is null).Select(TallyOf), new(null, _rules.KeepJobs, _rules.KeepOutput, _jobs.RunningBytes())];
            last = ends[^1];
            var (over, full) = (new List<long>(), new List<long>());
            foreach (var end in ends)
            {
                // What goes for one limit takes no room of another one: the first that has none decides, and the general one comes last.
                var about = limits.FindAll(limit => limit.IsAbout(end));
                if (!end.Pinned && (about.Exists(limit => limit.HasAllJobs) || IsOld(end, now)))
                {
                    over.Add(end.Seq);
                    continue;
                }
                var isFull = !end.Pinned && end.Bytes > 0 && about.Exists(limit => limit.IsFullFor(end.Bytes));
                if (isFull) full.Add(end.Seq);
                foreach (var limit in about) limit.Add(end, isFull ? 0 : end.Bytes);
            }
            whole += await RemoveAsync(over, RemovalScope.Job).ConfigureAwait(false);
            output += await RemoveAsync(full, RemovalScope.Output).ConfigureAwait(false);
        }
        return (whole, output);
    }

    private async Task<Removed> RemoveAsync(List<long> ends, RemovalScope scope)
    {
        var removed = Removed.Nothing;
        foreach (var some in ends.Chunk(AtOnce))
        {
            removed += _removal.Remove([.. some.Select(_archive.Find).OfType<JobRecord>()], scope: scope);
            await Task.Delay(s_pause, _time, _stop.Token).ConfigureAwait(false);
        }
        return removed;
    }

    private bool IsOld(StoredEnd end, DateTimeOffset now) =>
        _rules.KeepFor is { } keepFor && now - end.EndedAt > keepFor && _archive.Find(end.Seq) is { } record && _rules.IsOver(record, now);

    private Tally TallyOf(LabelRetention rule) =>
        new(_archive.Labelled(rule.Label), rule.KeepJobs ?? long.MaxValue, rule.KeepOutput ?? long.MaxValue, _jobs.RunningBytes(rule.Label));

    /// <summary>How much of two limits is taken by what is kept, from the newest end on.</summary>
    /// <param name="of">The jobs they are about; null: all.</param>
    private sealed class Tally(IReadOnlySet<long>? of, long mostJobs, long mostBytes, long bytes)
    {
        private bool _any;
        private bool _full; // from the first on that it was asked for and had no room for: what ended first goes first, however little it is
        private long _jobs;

        public bool HasAllJobs => _jobs >= mostJobs;

        public bool IsAbout(StoredEnd end) => of?.Contains(end.Seq) is not false;

        /// <summary>However much it wrote, what the job that ended last wrote is not gone before anybody could look.</summary>
        public bool IsFullFor(long more) => _full |= _any && bytes + more > mostBytes;

        public void Add(StoredEnd end, long keptBytes)
        {
            _any = true;
            bytes += keptBytes;
            if (!end.Pinned) _jobs++;
        }
    }
}
