using System.CommandLine;
using Runner.Client;
using Runner.Jobs;
using Runner.Wire;

namespace Runner.Cli;

/// <summary>The job that a command is about, named as people name it.</summary>
static class JobArgument
{
    public const string Description = "Its UUID or 4 or more of the first characters, its name, pid:N, or pid:N@START as status shows it.";

    private const int MostShown = 10;

    public static Argument<string> Create() => new("job") { Description = Description, HelpName = "JOB" };

    /// <exception cref="JobException">It names no job, or cannot.</exception>
    /// <exception cref="AmbiguousJobException">It names several.</exception>
    public static Task<JobId> OfAsync(ParseResult parsed, Argument<string> argument, RunnerClient client, CancellationToken cancellationToken) =>
        OfAsync(parsed.GetRequiredValue(argument), client, cancellationToken);

    /// <summary>A whole UUID is taken as it is; anything else is asked for, once.</summary>
    /// <exception cref="JobException">It names no job, or cannot.</exception>
    /// <exception cref="AmbiguousJobException">It names several.</exception>
    public static async Task<JobId> OfAsync(string text, RunnerClient client, CancellationToken cancellationToken)
    {
        if (JobId.TryParse(text, out var id)) return id;
        var reference = JobReference.Parse(text);
        var found = new List<JobView>();
        await foreach (var job in client.ListAsync(new() { Reference = reference }, MostShown + 1, cancellationToken))
        {
            // The newest of those with one process id is the only one that can still have it.
            if (reference is JobReference.Process && job.Record.State is JobState.Running && found.Count == 0) return job.Record.Id;
            found.Add(job);
            if (found.Count > MostShown) break;
        }
        return found switch
        {
            [] => throw new JobException(JobError.NoSuchJob, None(reference)),
            [var only] => only.Record.Id,
            _ => throw new AmbiguousJobException(reference, found, MostShown),
        };
    }

    private static string None(JobReference reference) => reference switch
    {
        JobReference.Process => $"no job {reference}",
        JobReference.Word { IdStart: null, Text.Length: < JobReference.ShortestStart } => $"no job is named {reference}, and the start of a UUID has at least {JobReference.ShortestStart} characters",
        JobReference.Word { IdStart: null } => $"no job is named {reference}",
        _ => $"no job is named {reference} or has a UUID that starts so",
    };
}

/// <summary>What was to name one job names several.</summary>
sealed class AmbiguousJobException(JobReference reference, IReadOnlyList<JobView> found, int most) : Exception(Sentence(reference, found.Count, most))
{
    /// <summary>Those it may be, newest first, a line each.</summary>
    public string Candidates { get; } = new JobTable().Rows([.. found.Take(most)]);

    private static string Sentence(JobReference reference, int count, int most)
    {
        var mend = reference is JobReference.Process { Second: null } ? $"add when it started, as in {reference}@2026-11-22T08:00:00Z, or give its UUID" : "give its UUID, or more of it";
        return count > most ? $"job {reference}: could be more than {most}, the newest are these; {mend}" : $"job {reference}: could be each of these {count}; {mend}";
    }
}
