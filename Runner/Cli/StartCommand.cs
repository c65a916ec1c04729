using System.CommandLine;

namespace Runner.Cli;

/// <summary>`runner start`: starts a job and prints its UUID, alone on a line.</summary>
static class StartCommand
{
    public static Command Create()
    {
        var job = new JobOptions();
        var json = JobJson.Option();
        var command = new Command("start", "Start a job and print its UUID.") { json };
        job.AddTo(command);
        return command.Calling(async (parsed, client, cancellationToken) =>
        {
            var started = await client.StartAsync(job.Id(parsed), job.Spec(parsed, client.Server), cancellationToken);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(
                parsed.GetValue(json) ? JobJson.Of(started) : started.Record.Id.ToString());
            return (int)ExitCode.Ok;
        }, job.InOptions);
    }
}
