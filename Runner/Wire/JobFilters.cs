using Google.Protobuf.WellKnownTypes;
using Runner.Jobs;

namespace Runner.Wire;

/// <summary>Which jobs are wanted, to and from the wire. Only the shape is checked; <see cref="JobFilter.Check"/> does the rest.</summary>
static class JobFilters
{
    public static V1.JobFilter ToWire(JobFilter filter)
    {
        var wire = new V1.JobFilter
        {
            State = filter.Running switch
            {
                true => V1.JobStateFilter.Running,
                false => V1.JobStateFilter.Ended,
                null => V1.JobStateFilter.Unspecified,
            },
            Reason = filter.Reason is { } reason ? JobEnds.ToWire(reason) : V1.EndReason.Unspecified,
            Failed = filter.Failed,
            Name = filter.Name ?? "",
            Owner = filter.Owner ?? "",
            StartedSince = filter.Since is { } since ? Timestamp.FromDateTimeOffset(since) : null,
            StartedUntil = filter.Until is { } until ? Timestamp.FromDateTimeOffset(until) : null,
            Reference = filter.Reference?.ToString() ?? "",
        };
        if (filter.ExitCode is { } code) wire.ExitCode = code;
        if (filter.Pinned is { } pinned) wire.Pinned = pinned;
        foreach (var (key, value) in filter.Labels)
        {
            var label = new V1.LabelFilter { Key = key };
            if (value is not null) label.Value = value;
            wire.Labels.Add(label);
        }
        return wire;
    }

    /// <exception cref="JobException">A field is out of range.</exception>
    public static JobFilter FromWire(V1.JobFilter? wire) => wire is null
        ? JobFilter.None
        : new()
        {
            Running = wire.State switch
            {
                V1.JobStateFilter.Unspecified => null,
                V1.JobStateFilter.Running => true,
                V1.JobStateFilter.Ended => false,
                _ => throw JobRules.Bad("filter.state", $"state {(int)wire.State}: must be running (1) or ended (2)"),
            },
            Reason = wire.Reason is V1.EndReason.Unspecified ? null
                : JobEnds.FromWire(wire.Reason)
                ?? throw JobRules.Bad("filter.reason", $"reason {(int)wire.Reason}: must be one of {string.Join(", ", EndParts.Reasons)}"),
            ExitCode = wire.HasExitCode ? wire.ExitCode : null,
            Failed = wire.Failed,
            Labels = [.. wire.Labels.Select(label => new LabelFilter(label.Key, label.HasValue ? label.Value : null))],
            Name = wire.Name.Length > 0 ? wire.Name : null,
            Owner = wire.Owner.Length > 0 ? wire.Owner : null,
            Since = Time("filter.started_since", wire.StartedSince),
            Until = Time("filter.started_until", wire.StartedUntil),
            Reference = wire.Reference.Length > 0 ? JobReference.Parse(wire.Reference) : null,
            Pinned = wire.HasPinned ? wire.Pinned : null,
        };

    private static DateTimeOffset? Time(string field, Timestamp? wire) =>
        wire is null ? null : Timestamps.FromWire(wire) ?? throw JobRules.Bad(field, $"{field}: must be a time of the years 1 to 9999");
}
