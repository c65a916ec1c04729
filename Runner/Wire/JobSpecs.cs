using Google.Protobuf.WellKnownTypes;
using Runner.Jobs;

namespace Runner.Wire;

/// <summary>What was asked for, to and from the wire. Nothing is checked but the shape; <see cref="JobRules"/> does the rest.</summary>
static class JobSpecs
{
    public static V1.JobSpec ToWire(JobSpec spec)
    {
        var wire = new V1.JobSpec
        {
            Command = spec.Command,
            WorkingDirectory = spec.WorkingDirectory,
            Name = spec.Name,
            Limits = LimitSets.ToWire(spec.Limits),
            GracePeriod = Duration.FromTimeSpan(spec.GracePeriod),
            AllowEmptyArgs = spec.AllowEmptyArgs,
            MergeOutput = spec.MergeOutput,
            Pinned = spec.Pinned,
        };
        if (spec.Timeout is { } timeout) wire.Timeout = Duration.FromTimeSpan(timeout);
        if (spec.Limits.Output?.Bytes is { } bytes) wire.MaxOutputBytes = bytes;
        wire.OutputPolicy = OutputLimits.ToWire(spec.Limits.Output?.Policy);
        wire.Args.Add(spec.Args);
        foreach (var (name, value) in spec.Env) wire.Env.Add(name, value);
        foreach (var (key, value) in spec.Labels) wire.Labels.Add(key, value);
        return wire;
    }

    /// <exception cref="JobException">A field is missing or out of range.</exception>
    public static JobSpec FromWire(V1.JobSpec? wire) => wire is null
        ? throw JobRules.Bad("spec", "spec: must be there")
        : new()
        {
            Command = wire.Command,
            Args = [.. wire.Args],
            Env = new Dictionary<string, string>(wire.Env),
            WorkingDirectory = wire.WorkingDirectory.Length > 0 ? wire.WorkingDirectory : "/",
            Name = wire.Name,
            Labels = new Dictionary<string, string>(wire.Labels),
            Limits = LimitSets.FromWire(wire.Limits) with
            {
                Output = OutputLimits.Of(wire.HasMaxOutputBytes ? wire.MaxOutputBytes : null, OutputLimits.FromWire(wire.OutputPolicy)),
            },
            GracePeriod = wire.GracePeriod is null ? JobSpec.DefaultGracePeriod : Durations.FromWire("spec.grace_period", wire.GracePeriod),
            Timeout = wire.Timeout is null ? null : Durations.FromWire("spec.timeout", wire.Timeout),
            AllowEmptyArgs = wire.AllowEmptyArgs,
            MergeOutput = wire.MergeOutput,
            Pinned = wire.Pinned,
        };
}
