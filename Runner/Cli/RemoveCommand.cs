using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>`runner rm`: removes ended jobs, pinned or not: their records and their output, or the output alone.</summary>
static class RemoveCommand
{
    public static Command Create()
    {
        var words = new Argument<string[]>("job") { Description = JobArgument.Description, HelpName = "JOB", Arity = ArgumentArity.OneOrMore };
        var json = new Option<bool>("--json") { Description = "What was removed, one JSON object a line." };
        var outputOnly = OutputOnly();
        return new Command("rm", "Remove ended jobs, pinned or not: their records and their output, or the output alone.") { words, outputOnly, json }.Calling(async (parsed, client, cancellationToken) =>
        {
            foreach (var word in parsed.GetRequiredValue(words))
            {
                var id = await JobArgument.OfAsync(word, client, cancellationToken);
                var bytes = await client.RemoveAsync(id, Scope(parsed, outputOnly), cancellationToken);
                if (parsed.GetValue(json)) await parsed.InvocationConfiguration.Output.WriteLineAsync(RemovalJson.Of(new JsonRemovedJob(id.ToString(), bytes)));
            }
            return (int)ExitCode.Ok;
        });
    }

    public static Option<bool> OutputOnly() => new("--output-only") { Description = "Remove what they wrote, and keep their records: how they ended, what they used, sizes and digests." };

    public static RemovalScope Scope(ParseResult parsed, Option<bool> outputOnly) => parsed.GetValue(outputOnly) ? RemovalScope.Output : RemovalScope.Job;
}

/// <summary>What was removed, as scripts read it. Field names are a promise: they are only ever added to.</summary>
static class RemovalJson
{
    public static string Of(JsonRemovedJob removed) => JsonSerializer.Serialize(removed, RemovalJsonContext.Default.JsonRemovedJob);

    public static string Of(JsonPruned pruned) => JsonSerializer.Serialize(pruned, RemovalJsonContext.Default.JsonPruned);
}

sealed record JsonRemovedJob(string Id, long Bytes);

sealed record JsonPruned(long Jobs, long Bytes, long Skipped, bool DryRun);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(JsonRemovedJob))]
[JsonSerializable(typeof(JsonPruned))]
sealed partial class RemovalJsonContext : JsonSerializerContext;
