using System.CommandLine;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>`runner wait`: returns when all jobs, or one of them, have ended; its exit code is theirs.</summary>
static class WaitCommand
{
    // Each is a call of its own on the one connection, of which the server takes 200.
    private const int Most = 100;

    // The platform's timers count to 2^32 ms.
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(49);

    public static Command Create()
    {
        var words = new Argument<string[]>("job") { Description = $"{JobArgument.Description} At most {Most}.", HelpName = "JOB", Arity = ArgumentArity.OneOrMore };
        var any = new Option<bool>("--any") { Description = "Until one has ended; prints its UUID." };
        var timeout = new Option<string?>("--timeout") { Description = "Wait no longer than this, and end with 124 if it was not enough; 0 only looks.", HelpName = "TIME" };
        var json = new Option<bool>("--json") { Description = "The jobs that were waited for, one JSON object a line." };
        var command = new Command("wait", "Wait until jobs have ended, and exit with the code of the job (of several: 0 if all did, else that of the first that did not).") { words, any, timeout, json };
        return command.Calling(async (parsed, client, cancellationToken) =>
        {
            var limit = parsed.GetValue(timeout) is { } given ? Quantities.Span(timeout.Name, given) : (TimeSpan?)null;
            if (limit > s_longest) throw new BadOptionException($"{timeout.Name} {parsed.GetValue(timeout)}: must be at most {s_longest.Days}d; without it there is no limit");
            var named = parsed.GetRequiredValue(words);
            if (named.Length > Most) throw new BadOptionException($"{named.Length} jobs: at most {Most} can be waited for at once");
            var ids = await Task.WhenAll(named.Select(word => JobArgument.OfAsync(word, client, cancellationToken)));
            var (output, error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);

            var wait = new JobWait(client, [.. ids.Distinct()]);
            if (!await wait.UntilEndedAsync(parsed.GetValue(any), limit, cancellationToken))
            {
                error.Say($"{wait.StillRunning} after {Quantities.Show(limit!.Value)}");
                return (int)ExitCode.TimedOut;
            }
            var ended = parsed.GetValue(any) ? [wait.First] : wait.Ended;
            foreach (var job in ended)
            {
                if (parsed.GetValue(json)) await output.WriteLineAsync(JobJson.OnOneLine(job));
                else if (parsed.GetValue(any)) await output.WriteLineAsync(job.Record.Id.ToString());
                if (JobText.Remark(job.Record) is { } remark) error.Say(remark);
            }
            return ended.Select(job => JobText.ExitCodeOf(((JobState.Ended)job.Record.State).End)).FirstOrDefault(code => code != 0);
        });
    }
}
