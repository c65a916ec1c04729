using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Runner.Cli;

/// <summary>`runner rm`: removes ended jobs, their records and their output, pinned or not.</summary>
static class RemoveCommand
{
    public static Command Create()
    {
        var words = new Argument<string[]>("job") { Description = JobArgument.Description, HelpName = "JOB", Arity = ArgumentArity.OneOrMore };
        var json = new Option<bool>("--json") { Description = "What was removed, one JSON object a line." };
        return new Command("rm", "Remove ended jobs: their records and their output.") { words, json }.Calling(async (parsed, client, cancellationToken) =>
        {
            foreach (var word in parsed.GetRequiredValue(words))
            {
                var id = await JobArgument.OfAsync(word, client, cancellationToken);
                var bytes = await client.RemoveAsync(id, cancellationToken);
                if (parsed.GetValue(json)) await parsed.InvocationConfiguration.Output.WriteLineAsync(RemovalJson.Of(new JsonRemovedJob(id.ToString(), bytes)));
            }
            return (int)ExitCode.Ok;
        });
    }
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
