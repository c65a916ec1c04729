using System.CommandLine;
using Runner.Client;
using Runner.Jobs;
using Runner.Output;

namespace Runner.Cli;

/// <summary>`runner logs`: prints a job's output, all or a part of it, and follows it until the job ends.</summary>
static class LogsCommand
{
    public static Command Create()
    {
        var id = JobArgument.Create();
        var wish = new LogOptions();
        var command = new Command("logs", "Print a job's output and follow it until the job ends.") { id };
        wish.AddTo(command);
        return command.Calling(async (parsed, client, cancellationToken) =>
        {
            var wanted = wish.Wish(parsed);
            var job = await JobArgument.OfAsync(parsed, id, client, cancellationToken);
            if (wanted.Stream is OutputKind.Stderr && (await client.GetAsync(job, cancellationToken)).Record.Spec.MergeOutput)
                parsed.InvocationConfiguration.Error.Say($"job {job} was started with --merge: its standard error is in its standard output");
            await CopyAsync(client, job, wanted, cancellationToken);
            return (int)ExitCode.Ok;
        }, wish.InOptions);
    }

    private static async Task CopyAsync(RunnerClient client, JobId job, OutputWish wish, CancellationToken cancellationToken)
    {
        var stamps = new[] { new LineStamps(), new LineStamps() };
        await foreach (var part in client.ReadAsync(job, wish, cancellationToken))
        {
            if (part.Gap is { } gap)
            {
                StandardStream.Error.Say(GapLine.Of(part.Kind, gap));
                continue;
            }

            // One stream goes to standard output, whichever was asked for; both go where they would without us.
            var descriptor = wish.Stream is null && part.Kind is OutputKind.Stderr ? StandardStream.Stderr : StandardStream.Stdout;
            StandardStream.Write(descriptor, part.CapturedAt is { } time ? stamps[(int)part.Kind].Stamp(part.Bytes.Span, time) : part.Bytes.Span);
        }
    }
}
