namespace Runner.Jobs;

/// <summary>What was asked for: a program, its surroundings and its limits. Fit to run once <see cref="JobRules"/> has passed it.</summary>
sealed record JobSpec
{
    public static readonly TimeSpan DefaultGracePeriod = TimeSpan.FromSeconds(5);

    public required string Command { get; init; }
    public IReadOnlyList<string> Args { get; init; } = [];

    /// <summary>What is added to, or put in place of, the default environment.</summary>
    public IReadOnlyDictionary<string, string> Env { get; init; } = new Dictionary<string, string>();
    public string WorkingDirectory { get; init; } = "/";
    public string Name { get; init; } = "";
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
    public ResourceLimits Limits { get; init; } = ResourceLimits.None;

    /// <summary>How long a stop waits between SIGTERM and SIGKILL.</summary>
    public TimeSpan GracePeriod { get; init; } = DefaultGracePeriod;

    /// <summary>How long after its exec it is ended as by a stop. Null: never.</summary>
    public TimeSpan? Timeout { get; init; }
    public bool AllowEmptyArgs { get; init; }

    /// <summary>One pipe for both streams, so that standard output has everything in the order of the writes.</summary>
    public bool MergeOutput { get; init; }

    /// <summary>It is pinned from its start on; whether it still is says <see cref="JobRecord.Pinned"/>.</summary>
    public bool Pinned { get; init; }

    /// <summary>By content, so that a repeated start can be told from another one.</summary>
    public bool Equals(JobSpec? other) =>
        other is not null
        && (Command, WorkingDirectory, Name, Limits, GracePeriod, Timeout)
            == (other.Command, other.WorkingDirectory, other.Name, other.Limits, other.GracePeriod, other.Timeout)
        && (AllowEmptyArgs, MergeOutput, Pinned) == (other.AllowEmptyArgs, other.MergeOutput, other.Pinned)
        && Args.SequenceEqual(other.Args, StringComparer.Ordinal)
        && SameEntries(Env, other.Env)
        && SameEntries(Labels, other.Labels);

    public override int GetHashCode() => HashCode.Combine(Command, Args.Count, Env.Count, WorkingDirectory, Name);

    private static bool SameEntries(IReadOnlyDictionary<string, string> some, IReadOnlyDictionary<string, string> others) =>
        some.Count == others.Count
        && some.All(entry => others.TryGetValue(entry.Key, out var value) && string.Equals(value, entry.Value, StringComparison.Ordinal));
}
