using System.CommandLine;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>`runner list`: the jobs the caller may see, newest first.</summary>
static class ListCommand
{
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line." };
        var all = new Option<bool>("--all", "-a") { Description = "Ended jobs too, however many there are (default: the newest 50)." };
        return new Command("list", "List jobs, newest first.") { json, all }.Calling(async (parsed, client, cancellationToken) =>
        {
            var output = parsed.InvocationConfiguration.Output;
            var left = parsed.GetValue(all) ? int.MaxValue : Newest;
            await using var jobs = client.ListAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);

            // The head only once the server has answered: a refusal stands alone.
            var more = await jobs.MoveNextAsync();
            if (!parsed.GetValue(json)) await output.WriteLineAsync(JobText.ListHead);
            for (; more && left > 0; left--, more = await jobs.MoveNextAsync())
                await output.WriteLineAsync(parsed.GetValue(json) ? JobJson.OnOneLine(jobs.Current) : JobText.Line(jobs.Current));
            return (int)ExitCode.Ok;
        });
    }

    private const int Newest = 50;
}
