using System.CommandLine;

namespace Runner.Cli;

/// <summary>`runner pin` and `runner unpin`: keeps a job and its output from `prune` and from the server's own limits, or lets go of it.</summary>
static class PinCommand
{
    public static Command Create(bool pinned)
    {
        var id = JobArgument.Create();
        var json = JobJson.Option();
        var command = pinned
            ? new Command("pin", "Keep a job until it is unpinned or removed by its name.")
            : new Command("unpin", "Let a job be removed when its time comes.");
        command.Arguments.Add(id);
        command.Options.Add(json);
        return command.Calling(async (parsed, client, cancellationToken) =>
        {
            var job = await client.PinAsync(await JobArgument.OfAsync(parsed, id, client, cancellationToken), pinned, cancellationToken);
            if (parsed.GetValue(json)) await parsed.InvocationConfiguration.Output.WriteLineAsync(JobJson.Of(job));
            return (int)ExitCode.Ok;
        });
    }
}
