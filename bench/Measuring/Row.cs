namespace Runner.Bench.Measuring;

/// <summary>One line of the table: something measured, its floor if it has one, and what it is to be.</summary>
/// <param name="Figure">The figure it belongs to.</param>
/// <param name="What">What was done.</param>
/// <param name="Unit">Of its values: "ms", "µs", "/s", "MiB/s", "MiB", "KiB", "s".</param>
/// <param name="Ours">The product's values; empty if it could not be measured.</param>
sealed record Row(string Figure, string What, string Unit, Samples Ours)
{
    /// <summary>Measured in turns with ours. Null: there is none.</summary>
    public Floor? Floor { get; init; }

    public Target? Target { get; init; }

    /// <summary>More is better: a rate.</summary>
    public bool IsRate { get; init; }

    /// <summary>What a reader should know of it; why there is no value, if there is none.</summary>
    public string Note { get; init; } = "";

    public double? Ratio => Floor is { Samples.Count: > 0 } floor && Ours.Count > 0 ? Ours.Median / floor.Samples.Median : null;

    /// <summary>The ratio of the tenth that was disturbed least, on either side: on a busy machine the better estimate.</summary>
    public double? BestRatio => Floor is { Samples.Count: > 0 } floor && Ours.Count > 0 ? Best(Ours) / Best(floor.Samples) : null;

    public double Best(Samples samples) => samples.At(IsRate ? 0.9 : 0.1);

    /// <summary>What is compared with the target: the ratio or the median itself.</summary>
    public double? Judged => Target is null || Ours.Count == 0 ? null : Target.IsRatio ? Ratio : Ours.Median;

    /// <summary>Null: there is no target, or no value.</summary>
    public bool? IsMet => Judged is { } judged ? (IsRate ? judged >= Target!.Limit : judged <= Target!.Limit) : null;

    public static Row Unmeasured(string figure, string what, string why) => new(figure, what, "", new Samples()) { Note = why };
}

/// <summary>The same done with the least there is.</summary>
sealed record Floor(string Name, Samples Samples);

/// <summary>Most that is allowed, or least of a rate; of the ratio to the floor or of the median itself.</summary>
sealed record Target(double Limit, bool IsRatio)
{
    public static Target OfRatio(double limit) => new(limit, IsRatio: true);

    public static Target OfMedian(double limit) => new(limit, IsRatio: false);
}
