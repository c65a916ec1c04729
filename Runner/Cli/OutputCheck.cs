using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Runner.Client;
using Runner.Jobs;
using Runner.Output;
using Runner.Wire;

namespace Runner.Cli;

/// <summary>What is kept of an ended job's output, read whole, beside what was recorded of it.</summary>
sealed record OutputCheck(JobId Job, IReadOnlyList<StreamCheck> Streams)
{
    public bool IsGood => Streams.All(stream => stream.IsGood);

    /// <summary>Something is not as it was recorded; what was pruned may be or not.</summary>
    public bool Differs => Streams.Any(stream => stream is { IsGood: false, IsPruned: false });

    public static async Task<OutputCheck> OfAsync(RunnerClient client, JobView job, CancellationToken cancellationToken) => new(job.Record.Id,
    [
        await StreamAsync(client, job.Record.Id, OutputKind.Stdout, job.StdoutBytes, job.Stdout, IsDue(job), cancellationToken),
        await StreamAsync(client, job.Record.Id, OutputKind.Stderr, job.StderrBytes, job.Stderr, IsDue(job), cancellationToken),
    ]);

    public string ToJson() => JsonSerializer.Serialize(
        new JsonCheck(Job.ToString(), IsGood, Streams.Any(stream => stream.IsPruned), Streams[0].ToJson(), Streams[1].ToJson()), OutputCheckJsonContext.Default.JsonCheck);

    private static async Task<StreamCheck> StreamAsync(
        RunnerClient client, JobId id, OutputKind kind, long size, KeptOutput? recorded, bool isDue, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (bytes, gone) = (0L, 0L);
        var reason = GapReason.OutputLimit;
        string? trouble = null;
        try
        {
            await foreach (var part in client.ReadAsync(id, new OutputWish(kind, OutputBegin.Start, Follow: false), cancellationToken))
            {
                hash.AppendData(part.Bytes.Span);
                bytes += part.Bytes.Length;
                if (part.Gap is { } gap) (gone, reason) = (gone + gap.To - gap.From, gap.Reason);
            }
        }
        catch (JobException e) when (e.Error is JobError.OsError)
        {
            // The server could not read it: that is a finding, not a failure to look.
            trouble = e.Message;
        }
        return new(kind, bytes, size - (recorded?.Dropped ?? 0), Convert.ToHexStringLower(hash.GetHashAndReset()), recorded?.Sha256, trouble, gone > 0 && reason is GapReason.Pruned, size, isDue);
    }

    private static bool IsDue(JobView job) => job.Record.State is JobState.Ended { IsDigestDue: true };
}

/// <summary>The same of one stream.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Bytes">Read.</param>
/// <param name="RecordedBytes">Kept, by the record.</param>
/// <param name="Sha256">Of what was read.</param>
/// <param name="RecordedSha256">Null: no digest was recorded.</param>
/// <param name="Trouble">Why it could not be read to its end.</param>
/// <param name="IsPruned">All of it was removed.</param>
/// <param name="Size">Of the whole stream.</param>
/// <param name="IsDue">The server is still to make the digest.</param>
sealed record StreamCheck(OutputKind Kind, long Bytes, long RecordedBytes, string Sha256, string? RecordedSha256, string? Trouble, bool IsPruned, long Size, bool IsDue)
{
    public bool IsGood => Trouble is null && Bytes == RecordedBytes && Sha256 == RecordedSha256;

    public override string ToString() => IsPruned
        ? string.Create(CultureInfo.InvariantCulture, $"{GapLine.Name(Kind)}: {Finding} with what was recorded: {Size} bytes, {(RecordedSha256 is null ? "no digest" : $"sha256 {RecordedSha256}")}")
        : string.Create(CultureInfo.InvariantCulture, $"{GapLine.Name(Kind)}: {Bytes} bytes, sha256 {Sha256}, {Finding}");

    public JsonStreamCheck ToJson() => new(IsGood, Bytes, RecordedBytes, Sha256, RecordedSha256, Trouble ?? (IsGood ? null : Finding));

    private string Finding => Trouble is not null ? $"could not be read whole: {Quoted.Line(Trouble)}"
        : IsPruned ? "pruned: nothing is left to compare"
        : Bytes != RecordedBytes ? string.Create(CultureInfo.InvariantCulture, $"but {RecordedBytes} bytes were recorded")
        : RecordedSha256 is null && IsDue ? "as many as recorded, but there is no digest yet to compare with: its server is making it, try again"
        : RecordedSha256 is null ? "as many as recorded, but no digest was recorded to compare with"
        : Sha256 != RecordedSha256 ? $"but {RecordedSha256} was recorded"
        : "as recorded";
}

sealed record JsonCheck(string Id, bool Verified, bool Pruned, JsonStreamCheck Stdout, JsonStreamCheck Stderr);

sealed record JsonStreamCheck(bool Verified, long Bytes, long RecordedBytes, string Sha256, string? RecordedSha256, string? Problem);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JsonCheck))]
sealed partial class OutputCheckJsonContext : JsonSerializerContext;
