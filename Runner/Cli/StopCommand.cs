using System.CommandLine;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>`runner stop`: ends a job and shows its end and the last it wrote.</summary>
static class StopCommand
{
    private const int TailLines = 10;

    public static Command Create()
    {
        var id = JobArgument.Create();
        var json = JobJson.Option();
        var grace = new Option<string?>("--grace") { Description = "How long to wait between SIGTERM and SIGKILL, in place of the job's own; 0 kills at once.", HelpName = "TIME" };
        var signal = new Option<string?>("--signal") { Description = "The first signal, by name or number (default: TERM).", HelpName = "SIGNAL" };
        return new Command("stop", "Stop a job: SIGTERM, and SIGKILL after its grace period.") { id, grace, signal, json }.Calling(async (parsed, client, cancellationToken) =>
        {
            var span = parsed.GetValue(grace) is { } given ? Quantities.Span("--grace", given) : (TimeSpan?)null;
            var first = parsed.GetValue(signal) is { } name ? SignalCommand.Number("--signal", name) : Signals.Terminate;
            var stopped = await client.StopAsync(await JobArgument.OfAsync(parsed, id, client, cancellationToken), span, TailLines, cancellationToken, first);
            var output = parsed.InvocationConfiguration.Output;
            await output.WriteLineAsync(parsed.GetValue(json) ? JobJson.Of(stopped.Job) : JobText.Stopped(stopped));
            return (int)ExitCode.Ok;
        }, (e, parsed) => e.Field is "grace_period" && parsed.GetValue(grace) is { } typed ? BadOptionException.Saying(grace.Name, typed, e) : null);
    }
}
