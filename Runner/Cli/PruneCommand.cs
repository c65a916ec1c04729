using System.CommandLine;
using System.Globalization;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>`runner prune`: removes the ended jobs that the options let through, but for pinned ones, or what they wrote.</summary>
static class PruneCommand
{
    public static Command Create()
    {
        var older = new Option<string?>("--older-than") { Description = "Only jobs that ended longer ago than this, such as 7d; 0: all that have ended.", HelpName = "TIME" };
        var dry = new Option<bool>("--dry-run") { Description = "Remove nothing; tell what would be removed." };
        var outputOnly = RemoveCommand.OutputOnly();
        var json = JobJson.Option();
        var filters = new FilterOptions();
        var command = new Command("prune", "Remove ended jobs: their records and their output, or the output alone; pinned ones stay.") { older, outputOnly, dry, json };
        filters.AddTo(command);
        return command.Calling(async (parsed, client, cancellationToken) =>
        {
            var filter = filters.Filter(parsed, DateTimeOffset.UtcNow);
            var age = parsed.GetValue(older) is { } given ? Quantities.Span(older.Name, given) : (TimeSpan?)null;

            // What an empty variable leaves must not remove everything.
            if (age is null && IsEverything(filter)) throw new BadOptionException("prune: say which jobs, such as --older-than 7d or --label team=red; --older-than 0 is all that have ended");
            var (isDry, scope) = (parsed.GetValue(dry), RemoveCommand.Scope(parsed, outputOnly));
            var removed = await client.PruneAsync(filter, age ?? TimeSpan.Zero, scope, isDry, cancellationToken);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(parsed.GetValue(json)
                ? RemovalJson.Of(new JsonPruned(removed.Jobs, removed.Bytes, removed.Skipped, isDry))
                : Sentence(removed, scope, isDry));
            return (int)ExitCode.Ok;
        }, (e, parsed) => e.Field is "older_than" && parsed.GetValue(older) is { } typed ? BadOptionException.Saying(older.Name, typed, e) : filters.InOptions(e, parsed));
    }

    private static bool IsEverything(JobFilter filter) => filter with { Labels = JobFilter.None.Labels } == JobFilter.None && filter.Labels.Count == 0;

    private static string Sentence(Removed removed, RemovalScope scope, bool dry)
    {
        var did = dry ? "would remove" : "removed";
        var jobs = string.Create(CultureInfo.InvariantCulture, $"{removed.Jobs} {(removed.Jobs == 1 ? "job" : "jobs")}, {Quantities.Show(removed.Bytes)}");
        var skipped = removed.Skipped > 0 ? string.Create(CultureInfo.InvariantCulture, $"; {removed.Skipped} stay, as their output is being read") : "";
        return scope is RemovalScope.Output ? $"{did} the output of {jobs}{skipped}" : $"{did} {jobs} of output{skipped}";
    }
}
