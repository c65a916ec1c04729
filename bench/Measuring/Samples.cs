namespace Runner.Bench.Measuring;

/// <summary>What was measured of one thing again and again.</summary>
sealed class Samples
{
    private readonly List<double> _values = [];
    private bool _sorted = true;

    public int Count => _values.Count;

    public double Median => At(0.5);

    public double P99 => At(0.99);

    public void Add(double value)
    {
        _values.Add(value);
        _sorted = false;
    }

    public void AddRange(IEnumerable<double> values)
    {
        foreach (var value in values) Add(value);
    }

    /// <summary>The value that this part of all samples does not exceed (nearest rank).</summary>
    public double At(double part)
    {
        if (!_sorted) _values.Sort();
        _sorted = true;
        return _values[Math.Clamp((int)Math.Ceiling(part * _values.Count) - 1, 0, _values.Count - 1)];
    }

    public static Samples Of(params IEnumerable<double> values)
    {
        var samples = new Samples();
        samples.AddRange(values);
        return samples;
    }
}
