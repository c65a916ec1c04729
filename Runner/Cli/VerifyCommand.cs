using System.CommandLine;
using Runner.Client;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>`runner verify`: reads what is kept of jobs' output and compares it with what was recorded at their ends.</summary>
static class VerifyCommand
{
    public static Command Create()
    {
        var words = new Argument<string[]>("job") { Description = JobArgument.Description, HelpName = "JOB", Arity = ArgumentArity.OneOrMore };
        var json = new Option<bool>("--json") { Description = "One JSON object a job, a line each." };
        var command = new Command("verify", "Read jobs' whole output and compare it with the sizes and digests recorded at their ends: 1 if they differ or no digest was recorded, 3 if some was pruned.") { words, json };
        return command.Calling(async (parsed, client, cancellationToken) =>
        {
            var (output, code) = (parsed.InvocationConfiguration.Output, ExitCode.Ok);
            var named = parsed.GetRequiredValue(words);
            foreach (var word in named)
            {
                var job = await client.GetAsync(await JobArgument.OfAsync(word, client, cancellationToken), cancellationToken);
                if (job.Record.State is not JobState.Ended)
                {
                    parsed.InvocationConfiguration.Error.Say($"job {job.Record.Id}: has not ended, so nothing is recorded yet to compare with");
                    code = ExitCode.Failed;
                    continue;
                }
                var check = await OutputCheck.OfAsync(client, job, cancellationToken);

                // What is wrong is told rather than what cannot be known.
                if (code is not ExitCode.Failed && !check.IsGood) code = check.Differs ? ExitCode.Failed : ExitCode.NothingToCompare;
                var prefix = named.Length > 1 ? $"{job.Record.Id} " : "";
                await output.WriteLineAsync(parsed.GetValue(json) ? check.ToJson() : string.Join('\n', check.Streams.Select(stream => $"{prefix}{stream}")));
            }
            return (int)code;
        });
    }
}
