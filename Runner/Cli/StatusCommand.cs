using System.CommandLine;

namespace Runner.Cli;

/// <summary>`runner status`: a job's state, its end, its limits and what it has used.</summary>
static class StatusCommand
{
    public static Command Create()
    {
        var id = JobArgument.Create();
        var json = JobJson.Option();
        return new Command("status", "Show a job's state, limits and usage.") { id, json }.Calling(async (parsed, client, cancellationToken) =>
        {
            var job = await client.GetAsync(await JobArgument.OfAsync(parsed, id, client, cancellationToken), cancellationToken);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(parsed.GetValue(json) ? JobJson.Of(job) : JobText.Block(job));
            return (int)ExitCode.Ok;
        });
    }
}
