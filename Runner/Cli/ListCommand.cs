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
            if (!parsed.GetValue(json)) await output.WriteLineAsync(JobText.ListHead);
            var left = parsed.GetValue(all) ? int.MaxValue : Newest;
            await foreach (var job in client.ListAsync(cancellationToken))
            {
                if (left-- == 0) break;
                await output.WriteLineAsync(parsed.GetValue(json) ? JobJson.OnOneLine(job) : JobText.Line(job));
            }
            return (int)ExitCode.Ok;
        });
    }

    private const int Newest = 50;
}
