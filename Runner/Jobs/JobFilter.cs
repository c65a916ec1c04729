namespace Runner.Jobs;

/// <summary>Which jobs are wanted: those of which everything that is set is true. Fit to be asked for once it was checked.</summary>
sealed record JobFilter
{
    public static readonly JobFilter None = new();

    /// <summary>True: those that run; false: those that have ended.</summary>
    public bool? Running { get; init; }

    /// <summary>How it ended, in one of the words of <see cref="EndParts"/>.</summary>
    public string? Reason { get; init; }

    /// <summary>As a shell would tell it.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Those that ended otherwise than with exit code 0.</summary>
    public bool Failed { get; init; }

    public IReadOnlyList<LabelFilter> Labels { get; init; } = [];
    public string? Name { get; init; }
    public string? Owner { get; init; }

    /// <summary>Started then or later.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Started before then.</summary>
    public DateTimeOffset? Until { get; init; }

    public JobReference? Reference { get; init; }

    public bool? Pinned { get; init; }

    /// <summary>Ended before then; of those that ask for removal alone, not of lists.</summary>
    public DateTimeOffset? EndedBefore { get; init; }

    /// <summary>Has output that is kept; also of removal alone.</summary>
    public bool HasOutput { get; init; }

    /// <summary>Whether it lets a job through.</summary>
    public bool Matches(JobRecord record)
    {
        var parts = record.State is JobState.Ended ended ? EndParts.Of(ended.End) : null;
        return (Running is not { } running || running == parts is null)
            && (Reason is null || parts?.Reason == Reason)
            && (ExitCode is null || parts?.ExitCode == ExitCode)
            && (!Failed || (parts is not null && parts.ExitCode is not 0))
            && Labels.All(label => label.Matches(record.Spec.Labels))
            && (Name is null || record.Spec.Name == Name)
            && (Owner is null || record.Owner == Owner)
            && (Since is not { } since || record.StartedAt >= since)
            && (Until is not { } until || record.StartedAt < until)
            && (Reference is null || Reference.Matches(record))
            && (Pinned is not { } pinned || record.Pinned == pinned)
            && (EndedBefore is not { } end || record.State is JobState.Ended { EndedAt: var endedAt } && endedAt < end);
    }

    /// <exception cref="JobException">A field is not valid, or two of them can never be true of one job.</exception>
    public void Check()
    {
        if (Reason is not null && !EndParts.Reasons.Contains(Reason))
            throw JobRules.Bad("filter.reason", $"reason '{Quoted.Short(Reason)}': must be one of {string.Join(", ", EndParts.Reasons)}");
        if (ExitCode is < 0 or > 255) throw JobRules.Bad("filter.exit_code", $"exit code {ExitCode}: must be 0 to 255");
        if (Failed && ExitCode is not null) throw JobRules.Bad("filter.failed", $"failed: must not come with exit code {ExitCode}");
        if (Running is true && (Reason is not null || ExitCode is not null || Failed))
            throw JobRules.Bad("filter.state", "state running: must not come with a reason or an exit code, which only ended jobs have");
        if (Labels.Count > JobRules.MostLabels) throw JobRules.Bad("filter.labels", $"labels: {Labels.Count} of them; at most {JobRules.MostLabels}");
        for (var i = 0; i < Labels.Count; i++) JobRules.CheckName($"filter.labels[{i}]", "label", Labels[i].Key);
        if (Name is not null) JobRules.CheckName("filter.name", "name", Name);
        if (Since >= Until)
            throw JobRules.Bad("filter.started_until", $"until {Rfc3339.Show(Until!.Value)}: must be later than since ({Rfc3339.Show(Since!.Value)})");
    }
}

/// <summary>One label that is wanted.</summary>
/// <param name="Key">Which.</param>
/// <param name="Value">Null: any.</param>
sealed record LabelFilter(string Key, string? Value)
{
    public bool Matches(IReadOnlyDictionary<string, string> labels) =>
        labels.TryGetValue(Key, out var value) && (Value is null || string.Equals(Value, value, StringComparison.Ordinal));
}
