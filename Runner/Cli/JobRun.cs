using System.Threading.Channels;
using Runner.Client;
using Runner.Jobs;
using Runner.Output;

namespace Runner.Cli;

/// <summary>
/// One job from its start to its end. The first interrupt stops it within its grace period, the second at once, and the
/// third always ends the waiting, whatever the server does; so does a stop that fails.
/// </summary>
/// <param name="client">Where it runs.</param>
/// <param name="id">Which it is to be.</param>
/// <param name="interrupts">Signal numbers as they arrive.</param>
/// <param name="error">Gets what the exit code alone would not tell.</param>
sealed class JobRun(RunnerClient client, JobId id, ChannelReader<int> interrupts, TextWriter error)
{
    private const int Enough = 3;

    /// <summary>Returns the exit code: the job's own, or 128 + N when signal N ended the waiting.</summary>
    public async Task<int> ToEndAsync(JobSpec spec)
    {
        using var giveUp = new CancellationTokenSource();
        var interrupt = interrupts.ReadAsync().AsTask();
        var start = client.StartAsync(id, spec, giveUp.Token);
        if (await Task.WhenAny(start, interrupt) == interrupt)
            return GiveUp(giveUp, await interrupt, $"interrupted before the server answered; if it started job {id}, that goes on");
        await start;

        var follow = FollowAsync(giveUp.Token);
        var stop = Task.Delay(Timeout.Infinite, giveUp.Token);
        var (signal, asked) = (0, 0);
        while (true)
        {
            var first = await Task.WhenAny(follow, interrupt, stop);
            if (first == follow && asked > 0 && await WhyItFailed(follow) is { } lost) return GiveUp(giveUp, signal, lost);
            if (first == follow) return Tell(await follow);
            if (first == interrupt)
            {
                signal = await interrupt;
                if (++asked == Enough) return GiveUp(giveUp, signal, $"waits no longer for job {id}, which may go on");
                if (client.IsLost) return GiveUp(giveUp, signal, $"cannot stop job {id}: the connection to {client.Host} is lost; it may go on");
                interrupt = interrupts.ReadAsync().AsTask();
                stop = StopAsync(asked == 1 ? null : TimeSpan.Zero, giveUp.Token);
            }
            else
            {
                if (await WhyItFailed(stop) is { } why) return GiveUp(giveUp, signal, $"cannot stop job {id}: {why}");

                // It has ended; what it still wrote is on its way.
                stop = Task.Delay(Timeout.Infinite, giveUp.Token);
            }
        }
    }

    private int Tell(JobState.Ended ended)
    {
        if (JobText.Remark(ended.End) is { } remark) error.Say(remark);
        return JobText.ExitCodeOf(ended.End);
    }

    private int GiveUp(CancellationTokenSource calls, int signal, string why)
    {
        error.Say(why);
        calls.Cancel();
        return (int)ExitCode.KilledBySignal + signal;
    }

    private async Task<JobState.Ended> FollowAsync(CancellationToken cancellationToken)
    {
        // Asked for at once: it is there when the streams end, and not a round trip later.
        var ended = client.WaitAsync(id, cancellationToken);
        try
        {
            // Each as it ends: a closed stdout is not to wait for a stderr that lasts as long as the job.
            await foreach (var copy in Task.WhenEach(
                OutputCopy.ToDescriptorAsync(client, id, OutputKind.Stdout, follow: true, StandardStream.Stdout, cancellationToken),
                OutputCopy.ToDescriptorAsync(client, id, OutputKind.Stderr, follow: true, StandardStream.Stderr, cancellationToken)))
                await copy;
        }
        catch (OutputClosedException)
        {
            // As a program that is run without us would have died of SIGPIPE.
            if (await WhyItFailed(StopAsync(grace: null, cancellationToken)) is { } why) error.Say($"cannot stop job {id}: {why}");
            throw;
        }
        return await ended;
    }

    private async Task StopAsync(TimeSpan? grace, CancellationToken cancellationToken)
    {
        try
        {
            await client.StopAsync(id, grace, tailLines: 0, cancellationToken);
        }
        catch (JobException e) when (e.Error is JobError.AlreadyEnded)
        {
            // What was wanted.
        }
    }

    /// <summary>Null: it did not.</summary>
    private static async Task<string?> WhyItFailed(Task work)
    {
        try
        {
            await work;
            return null;
        }
        catch (Exception e) when (e is JobException or ServerUnreachableException)
        {
            return e.Message;
        }
    }
}
