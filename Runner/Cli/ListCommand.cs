using System.CommandLine;
using System.Globalization;
using Runner.Client;
using Runner.Jobs;
using Runner.Wire;

namespace Runner.Cli;

/// <summary>`runner list`: the jobs the caller may see that the options let through, newest first.</summary>
static class ListCommand
{
    private const int Newest = 50;

    // Rows that are laid out together.
    private const int Together = 100;

    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line." };
        var all = new Option<bool>("--all", "-a") { Description = "All of them, however many there are." };
        var limit = new Option<string?>("--limit", "-n") { Description = "Only the newest N (default: 50).", HelpName = "N" };
        var filters = new FilterOptions();
        var command = new Command("list", "List jobs, newest first.") { json, all, limit };
        filters.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(all) && result.GetValue(limit) is not null) result.AddError("--all and --limit: only one of them");
        });
        return command.Calling(async (parsed, client, cancellationToken) =>
        {
            var most = parsed.GetValue(all) ? int.MaxValue : Limit(limit.Name, parsed.GetValue(limit));
            var filter = filters.Filter(parsed, DateTimeOffset.UtcNow);
            var config = parsed.InvocationConfiguration;
            if (!await WriteAsync(client, filter, most, parsed.GetValue(json), config.Output, cancellationToken))
                config.Error.Say(string.Create(CultureInfo.InvariantCulture, $"these are the newest {most}; --limit N shows more, --all shows all"));
            return (int)ExitCode.Ok;
        }, filters.InOptions);
    }

    /// <summary>False: there are more.</summary>
    private static async Task<bool> WriteAsync(RunnerClient client, JobFilter filter, int most, bool json, TextWriter output, CancellationToken cancellationToken)
    {
        // One more than wanted tells whether there are more.
        var atOnce = Math.Min(Together, most) + 1;
        var (table, rows, isFirst, count, isWhole) = (new JobTable(), new List<JobView>(), true, 0, true);
        await foreach (var job in client.ListAsync(filter, atOnce, cancellationToken))
        {
            if (count++ == most)
            {
                isWhole = false;
                break;
            }
            if (json) await output.WriteLineAsync(JobJson.OnOneLine(job));
            else rows.Add(job);
            if (rows.Count == Together) await FlushAsync();
        }

        // The head comes without rows too, but only once the server has answered: a refusal stands alone.
        if (!json && (isFirst || rows.Count > 0)) await FlushAsync();
        return isWhole;

        async Task FlushAsync()
        {
            await output.WriteLineAsync(isFirst ? table.Start(rows) : table.Rows(rows));
            isFirst = false;
            rows.Clear();
        }
    }

    private static int Limit(string option, string? text) =>
        text is null ? Newest
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit > 0 ? limit
        : throw new BadOptionException($"{option} {Quoted.Short(text)}: must be a number of 1 or more");
}
