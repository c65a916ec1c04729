using Google.Protobuf.WellKnownTypes;
using Runner.Access;
using Runner.Jobs;
using Runner.Output;

namespace Runner.Wire;

/// <summary>A job as it is told to clients, to and from the wire.</summary>
static class JobViews
{
    /// <summary>The job at this instant.</summary>
    /// <param name="job">Which.</param>
    /// <param name="followers">How many of its streams are being read.</param>
    public static JobView Of(Job job, int followers)
    {
        // Usage before record: a job that ends in between is told as ended with its final figures, never the reverse.
        var usage = job.Usage();
        var record = job.Record;
        var ended = record.State as JobState.Ended;
        return new(
            record, ended?.Usage ?? usage, ended?.StdoutBytes ?? job.Stdout.Length, ended?.StderrBytes ?? job.Stderr.Length, followers,
            ended is null ? job.Stdout.Kept : Now(ended, ended.Stdout, ended.StdoutBytes), ended is null ? job.Stderr.Kept : Now(ended, ended.Stderr, ended.StderrBytes),
            ended is null ? job.HeldBack : null);
    }

    // Of what was never written nothing is stored, and of what was pruned all that is left is the digest.
    private static KeptOutput? Now(JobState.Ended ended, KeptOutput? atEnd, long size) =>
        size == 0 ? atEnd ?? KeptOutput.OfNothing
        : ended.PrunedAt is not null ? new(size, size, atEnd?.Sha256)
        : atEnd;

    /// <summary>The job as far as the caller may know it.</summary>
    public static V1.Job ToWire(JobView view, Caller caller)
    {
        var wire = ToWire(view);
        if (!Policy.MaySeeEnvironment(caller, view.Record.Owner))
            foreach (var name in view.Record.Spec.Env.Keys) wire.Spec.Env[name] = "";
        return wire;
    }

    public static V1.Job ToWire(JobView view)
    {
        var record = view.Record;
        var wire = new V1.Job
        {
            Id = record.Id.ToString(),
            Spec = JobSpecs.ToWire(record.Spec),
            Owner = record.Owner,
            Pid = record.Pid,
            AppliedLimits = LimitSets.ToWire(record.Applied),
            StartedAt = Timestamp.FromDateTimeOffset(record.StartedAt),
            Usage = Usages.ToWire(view.Usage),
            Output = OutputSizes.ToWire(view),
            Followers = view.Followers,
            Pinned = record.Pinned,
            HeldBack = view.HeldBack ?? "",
        };
        if (record.State is JobState.Ended ended) wire.Ended = JobEnds.ToWire(ended, view.Stdout?.Sha256, view.Stderr?.Sha256);
        else wire.Running = new();
        return wire;
    }

    /// <exception cref="InvalidDataException">It lacks what every job has, or tells what cannot be.</exception>
    public static JobView FromWire(V1.Job? wire)
    {
        if (wire is null) throw new InvalidDataException("there is no job in it");
        var usage = Usages.FromWire(wire.Usage);
        var (stdout, stderr) = (wire.Output?.StdoutBytes ?? 0, wire.Output?.StderrBytes ?? 0);
        var (keptStdout, keptStderr) = OutputSizes.FromWire(wire.Output, wire.Ended);
        JobState state = wire.Ended is { } ended
            ? new JobState.Ended(
                Time("ended_at", ended.EndedAt), JobEnds.FromWire(ended), usage, stdout, stderr, ended.HasLeftoverProcesses ? ended.LeftoverProcesses : null,
                keptStdout, keptStderr, wire.Output?.HeldOpen ?? false, wire.Output?.DiskFailed ?? false)
                {
                    PrunedAt = wire.Output?.PrunedAt is { } pruned ? Time("pruned_at", pruned) : null,
                    IsDigestDue = ended.DigestsDue,
                }
            : new JobState.Running();
        var record = new JobRecord(
            JobId.Parse(wire.Id), JobSpecs.FromWire(wire.Spec), wire.Owner, wire.Pid,
            LimitSets.FromWire(wire.AppliedLimits) with { Output = OutputSizes.AppliedFromWire(wire.Output) }, Time("started_at", wire.StartedAt), state) { Pinned = wire.Pinned };
        return new(record, usage, stdout, stderr, wire.Followers, keptStdout, keptStderr, wire.HeldBack.Length > 0 ? wire.HeldBack : null);
    }

    private static DateTimeOffset Time(string field, Timestamp? wire)
    {
        if (wire is null) throw new InvalidDataException($"{field} is missing");
        return Timestamps.FromWire(wire) ?? throw new InvalidDataException($"{field} is no time");
    }
}

/// <summary>What a client sees of a job at one instant.</summary>
/// <param name="Record">As it is stored.</param>
/// <param name="Usage">So far.</param>
/// <param name="StdoutBytes">Captured so far, kept or not.</param>
/// <param name="StderrBytes">The same.</param>
/// <param name="Followers">How many of its streams are being read.</param>
/// <param name="Stdout">What of it is kept; null: everything, and there is no digest.</param>
/// <param name="Stderr">The same.</param>
/// <param name="HeldBack">Why its output or its end waits for the server's disk; null: it does not.</param>
sealed record JobView(
    JobRecord Record, ResourceUsage Usage, long StdoutBytes, long StderrBytes, int Followers = 0, KeptOutput? Stdout = null, KeptOutput? Stderr = null,
    string? HeldBack = null);
