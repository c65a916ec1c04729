using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Runner.Jobs;
using Runner.Output;
using Runner.Wire;

namespace Runner.Cli;

/// <summary>Jobs as scripts read them. Field names are a promise: they are only ever added to.</summary>
static class JobJson
{
    public static Option<bool> Option() => new("--json") { Description = "One JSON object." };

    // Not for a web page: no need to escape < > & and letters beyond ASCII. Control characters still are.
    private static readonly JobJsonContext s_block = new(new(JobJsonContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    private static readonly JobJsonContext s_line = new(new(s_block.Options) { WriteIndented = false });

    public static string Of(JobView job) => Tamed(JsonSerializer.Serialize(From(job), s_block.JsonJob));

    public static string OnOneLine(JobView job) => Tamed(JsonSerializer.Serialize(From(job), s_line.JsonJob));

    // The encoder lets through what turns the direction of writing and the like. Beyond ASCII everything stands within a string, so it can be escaped there.
    private static string Tamed(string json)
    {
        var tamed = new StringBuilder(json.Length);
        foreach (var rune in json.EnumerateRunes())
        {
            if (rune.Value is '\n' || !Quoted.ActsOnTerminals(rune)) tamed.Append(rune.ToString());
            else foreach (var unit in rune.ToString()) tamed.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:X4}");
        }
        return tamed.ToString();
    }

    private static JsonJob From(JobView job)
    {
        var (record, usage) = (job.Record, job.Usage);
        return new(
            record.Id.ToString(), record.Spec.Name, record.Spec.Labels, record.Owner, record.Spec.Command, record.Spec.Args,
            record.Spec.Env, record.Spec.WorkingDirectory, record.Spec.GracePeriod.TotalSeconds, record.Spec.Timeout?.TotalSeconds,
            record.State is JobState.Ended ? "ended" : "running",
            record.State is JobState.Ended ended ? End(ended) : null,
            record.Pid, record.StartedAt.UtcDateTime,
            Limits(record.Spec.Limits), Limits(record.Applied),
            new(usage.CpuTotal?.TotalSeconds, usage.CpuUser?.TotalSeconds, usage.CpuSystem?.TotalSeconds, usage.Throttled?.TotalSeconds,
                usage.Memory, usage.MemoryPeak, usage.OomKills, usage.Pids, usage.ReadBytes, usage.WrittenBytes,
                usage.ReadOperations, usage.WrittenOperations, usage.PidsPeak, usage.VoluntarySwitches, usage.InvoluntarySwitches,
                Waits(usage.CpuPressure), Waits(usage.MemoryPressure), Waits(usage.IoPressure)),
            job.StdoutBytes, job.StderrBytes, record.Spec.MergeOutput, job.Followers, record.Spec.AllowEmptyArgs,
            record.Spec.Limits.Output?.Bytes, OutputPolicies.Word(record.Spec.Limits.Output?.Policy), Output(job), job.HeldBack, record.Pinned);
    }

    private static JsonOutput Output(JobView job) => new(
        job.Stdout?.From ?? 0, job.Stdout?.Dropped ?? 0, job.Stdout?.Sha256, job.Stderr?.From ?? 0, job.Stderr?.Dropped ?? 0, job.Stderr?.Sha256,
        job.Record.Applied.Output?.Bytes, OutputPolicies.Word(job.Record.Applied.Output?.Policy), job.Record.State is JobState.Ended { HeldOpen: true },
        job.Record.State is JobState.Ended { DiskFailed: true }, (job.Record.State as JobState.Ended)?.PrunedAt?.UtcDateTime);

    private static JsonLimits Limits(ResourceLimits limits) => new(
        limits.Cpus, limits.MemoryBytes, limits.Pids, limits.CpuWeight, limits.SwapBytes, limits.MemoryHighBytes,
        limits.Io?.Devices, limits.Io?.ReadBps, limits.Io?.WriteBps, limits.Io?.ReadIops, limits.Io?.WriteIops, limits.IoWeight);

    private static JsonPressure? Waits(Pressure? pressure) => pressure is null ? null : new(pressure.Some?.TotalSeconds, pressure.Full?.TotalSeconds);

    private static JsonEnd End(JobState.Ended ended)
    {
        var parts = EndParts.Of(ended.End);
        return new(parts.Reason, parts.Code, parts.Signal, parts.Signal is null ? null : parts.CoreDumped, parts.By, parts.Detail, ended.EndedAt.UtcDateTime, ended.LeftoverProcesses, parts.LostWord);
    }
}

sealed record JsonJob(
    string Id, string Name, IReadOnlyDictionary<string, string> Labels, string Owner, string Command, IReadOnlyList<string> Args,
    IReadOnlyDictionary<string, string> Env, string WorkingDirectory, double GraceSeconds, double? TimeoutSeconds,
    string State, JsonEnd? End, int Pid, DateTime StartedAt,
    JsonLimits Limits, JsonLimits Applied, JsonUsage Usage, long StdoutBytes, long StderrBytes, bool MergeOutput, int Followers, bool AllowEmptyArgs,
    long? MaxOutputBytes, string? OutputPolicy, JsonOutput Output, string? HeldBack, bool Pinned);

sealed record JsonOutput(
    long StdoutKeptFrom, long StdoutDroppedBytes, string? StdoutSha256, long StderrKeptFrom, long StderrDroppedBytes, string? StderrSha256,
    long? AppliedMaxBytes, string? AppliedPolicy, bool HeldOpen, bool DiskFailed, DateTime? PrunedAt);

sealed record JsonEnd(string Reason, int? Code, int? Signal, bool? CoreDumped, string? By, string? Detail, DateTime EndedAt, int? LeftoverProcesses, string? LostReason);

sealed record JsonLimits(
    double? Cpus, long? MemoryBytes, long? Pids, long? CpuWeight, long? SwapBytes, long? MemoryHighBytes,
    IReadOnlyList<string>? Devices, long? ReadBps, long? WriteBps, long? ReadIops, long? WriteIops, long? IoWeight);

sealed record JsonUsage(
    double? CpuSeconds, double? CpuUserSeconds, double? CpuSystemSeconds, double? ThrottledSeconds,
    long? MemoryBytes, long? MemoryPeakBytes, long? OomKills, long? Pids, long? ReadBytes, long? WrittenBytes,
    long? ReadOperations, long? WrittenOperations, long? PidsPeak, long? VoluntarySwitches, long? InvoluntarySwitches,
    JsonPressure? CpuPressure, JsonPressure? MemoryPressure, JsonPressure? IoPressure);

sealed record JsonPressure(double? SomeSeconds, double? FullSeconds);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(JsonJob))]
sealed partial class JobJsonContext : JsonSerializerContext;
