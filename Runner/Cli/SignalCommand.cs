using System.CommandLine;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>`runner signal`: sends a job a signal, whatever comes of it.</summary>
static class SignalCommand
{
    public static Command Create()
    {
        var id = JobArgument.Create();
        var signal = new Argument<string>("signal") { Description = $"{Signals.Valid}.", HelpName = "SIGNAL" };
        var all = new Option<bool>("--all", "-a") { Description = "To every process of the job (default: to its main process alone)." };
        return new Command("signal", "Send a job a signal, without stopping it.") { id, signal, all }.Calling(async (parsed, client, cancellationToken) =>
        {
            var number = Number("signal", parsed.GetRequiredValue(signal));
            await client.SignalAsync(await JobArgument.OfAsync(parsed, id, client, cancellationToken), number, parsed.GetValue(all), cancellationToken);
            return (int)ExitCode.Ok;
        });
    }

    /// <exception cref="BadOptionException">No signal has this name or number.</exception>
    public static int Number(string option, string text) => Signals.TryParse(text, out var number)
        ? number
        : throw new BadOptionException($"{option} {Quoted.Short(text)}: must be {Signals.Valid}");
}
