using System.CommandLine;
using Runner.Output;

namespace Runner.Cli;

/// <summary>`runner logs`: prints a job's output from its first byte and follows it until the job ends.</summary>
static class LogsCommand
{
    public static Command Create()
    {
        var id = JobArgument.Create();
        var stderr = new Option<bool>("--stderr") { Description = "The job's standard error in place of its standard output." };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on until the job has ended (the default)." };
        var noFollow = new Option<bool>("--no-follow") { Description = "Only what is there now." };
        var command = new Command("logs", "Print a job's output and follow it until the job ends.") { id, stderr, follow, noFollow };
        command.Validators.Add(result =>
        {
            if (result.GetValue(follow) && result.GetValue(noFollow)) result.AddError("--follow and --no-follow: only one of them");
        });
        return command.Calling(async (parsed, client, cancellationToken) =>
        {
            var kind = parsed.GetValue(stderr) ? OutputKind.Stderr : OutputKind.Stdout;

            // Whichever stream is asked for, what was asked for goes to standard output.
            await OutputCopy.ToDescriptorAsync(
                client, await JobArgument.OfAsync(parsed, id, client, cancellationToken), kind, !parsed.GetValue(noFollow), StandardStream.Stdout, cancellationToken);
            return (int)ExitCode.Ok;
        });
    }
}
