using System.Globalization;
using Runner.Client;
using Runner.Jobs;
using Runner.Wire;

namespace Runner.Cli;

/// <summary>A wait for the end of some jobs, over one connection. It changes nothing about them.</summary>
/// <param name="client">Where they run.</param>
/// <param name="ids">Which; each once.</param>
sealed class JobWait(RunnerClient client, IReadOnlyList<JobId> ids)
{
    private readonly Dictionary<JobId, JobView> _ended = [];

    /// <summary>Those that have ended, in the order given.</summary>
    public IReadOnlyList<JobView> Ended => [.. ids.Where(_ended.ContainsKey).Select(id => _ended[id])];

    /// <summary>The one that ended first.</summary>
    public JobView First => Ended.MinBy(job => ((JobState.Ended)job.Record.State).EndedAt)!;

    /// <summary>How many have not ended, in words.</summary>
    public string StillRunning => (ids.Count, ids.Count - _ended.Count) switch
    {
        (1, _) => $"job {ids[0]} still runs",
        (var all, var left) => string.Create(CultureInfo.InvariantCulture, $"{left} of {all} jobs still {(left == 1 ? "runs" : "run")}"),
    };

    /// <summary>True once all, or any, have ended; false if the time was over before.</summary>
    /// <param name="any">Returns when one has ended.</param>
    /// <param name="limit">How long to wait; zero only looks, null is for ever.</param>
    /// <param name="cancellationToken">Stops this wait.</param>
    /// <exception cref="JobException">One of them is not there.</exception>
    public async Task<bool> UntilEndedAsync(bool any, TimeSpan? limit, CancellationToken cancellationToken)
    {
        // A look first: it tells at once which job is not there, and the time counts from when the server was reached.
        foreach (var job in await Task.WhenAll(ids.Select(id => client.GetAsync(id, cancellationToken)))) Note(job);
        if (IsEnough(any)) return true;

        using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (limit is { } span) time.CancelAfter(span);
        try
        {
            // As they end: what fails is told at once, whatever the others still do.
            await foreach (var wait in Task.WhenEach(ids.Where(id => !_ended.ContainsKey(id)).Select(id => client.EndedAsync(id, time.Token)).ToList()))
            {
                Note(await wait);
                if (IsEnough(any)) return true;
            }
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            await time.CancelAsync();
        }
    }

    private bool IsEnough(bool any) => _ended.Count >= (any ? 1 : ids.Count);

    private void Note(JobView job)
    {
        if (job.Record.State is JobState.Ended) _ended[job.Record.Id] = job;
    }
}
