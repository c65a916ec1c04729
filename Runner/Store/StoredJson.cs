using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Data.Sqlite;
using Runner.Jobs;
using Runner.Output;

namespace Runner.Store;

/// <summary>Records to and from the columns that hold them. What was written by an older version stays readable.</summary>
static class StoredJson
{
    public static string Spec(JobSpec spec) => JsonSerializer.Serialize(spec, StoredJsonContext.Default.JobSpec);

    public static string Limits(ResourceLimits limits) => JsonSerializer.Serialize(limits, StoredJsonContext.Default.ResourceLimits);

    public static string Outcome(JobState.Ended ended)
    {
        var parts = EndParts.Of(ended.End);
        var outcome = new StoredOutcome(
            ended.EndedAt.UtcTicks, parts.Reason, parts.Code, parts.Signal, parts.CoreDumped, parts.By, parts.Detail,
            ended.Usage, ended.StdoutBytes, ended.StderrBytes, ended.LeftoverProcesses, ended.Stdout, ended.Stderr, ended.HeldOpen, parts.LostWord, ended.DiskFailed);
        return JsonSerializer.Serialize(outcome, StoredJsonContext.Default.StoredOutcome);
    }

    public static string Ending(EndingPlan plan) => JsonSerializer.Serialize(
        new StoredEnding((plan.Cause as EndCause.Stop)?.By, plan.KillAt.UtcTicks, plan.Cause is EndCause.OutputLimit, plan.Signal), StoredJsonContext.Default.StoredEnding);

    public static EndingPlan Ending(string json)
    {
        var ending = Parse(json, StoredJsonContext.Default.StoredEnding);
        EndCause cause = ending.StoppedBy is { } by ? new EndCause.Stop(by) : ending.AtOutputLimit ? new EndCause.OutputLimit() : new EndCause.Timeout();
        return new(cause, Stamp.To(ending.KillAt), ending.Signal ?? Signals.Terminate);
    }

    /// <summary>From a row of SqliteJobStore's columns.</summary>
    public static JobRecord Record(SqliteDataReader row) => new(
        JobId.Parse(row.GetString(1)),
        Parse(row.GetString(5), StoredJsonContext.Default.JobSpec),
        row.GetString(2),
        row.GetInt32(3),
        Parse(row.GetString(6), StoredJsonContext.Default.ResourceLimits),
        Stamp.To(row.GetInt64(4)),
        row.IsDBNull(7) ? new JobState.Running() : State(Parse(row.GetString(7), StoredJsonContext.Default.StoredOutcome)) with
        {
            StoredBytes = row.GetInt64(10),
            PrunedAt = row.IsDBNull(11) ? null : Stamp.To(row.GetInt64(11)),
            IsDigestDue = row.GetBoolean(12),
        })
    {
        Pinned = row.GetBoolean(9),
    };

    private static JobState.Ended State(StoredOutcome outcome)
    {
        ProcessExit? exit = outcome.Signal is { } signal ? new ProcessExit.Signaled(signal, outcome.CoreDumped)
            : outcome.Code is { } code ? new ProcessExit.Exited(code)
            : null;
        var end = new EndParts(outcome.Reason, exit, outcome.By, outcome.Detail, EndParts.LostReasonOf(outcome.LostReason)).ToEnd()
            ?? throw new StoreException($"state database: no such end: {outcome.Reason}");
        return new(Stamp.To(outcome.EndedAt), end, outcome.Usage, outcome.StdoutBytes, outcome.StderrBytes, outcome.LeftoverProcesses, outcome.Stdout, outcome.Stderr, outcome.HeldOpen, outcome.DiskFailed);
    }

    private static T Parse<T>(string json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(json, type) ?? throw new StoreException("state database: an empty record");
}

/// <summary>Times as 100 ns ticks, which loses nothing.</summary>
static class Stamp
{
    public static long From(DateTimeOffset time) => time.UtcTicks;

    public static DateTimeOffset To(long ticks) => new(ticks, TimeSpan.Zero);
}

/// <summary>An end as it is stored.</summary>
sealed record StoredOutcome(
    long EndedAt, string Reason, int? Code, int? Signal, bool CoreDumped, string? By, string? Detail,
    ResourceUsage Usage, long StdoutBytes, long StderrBytes, int? LeftoverProcesses = null, KeptOutput? Stdout = null, KeptOutput? Stderr = null, bool HeldOpen = false, string? LostReason = null, bool DiskFailed = false);

/// <summary>An ending as it is stored.</summary>
/// <param name="StoppedBy">Null: its time was up, or its output too much.</param>
sealed record StoredEnding(string? StoppedBy, long KillAt, bool AtOutputLimit = false, int? Signal = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(JobSpec))]
[JsonSerializable(typeof(ResourceLimits))]
[JsonSerializable(typeof(StoredOutcome))]
[JsonSerializable(typeof(StoredEnding))]
[JsonSerializable(typeof(string[]))]
sealed partial class StoredJsonContext : JsonSerializerContext;
