using System.Globalization;
using Runner.Bench.Measuring;

namespace Runner.Bench.Report;

/// <summary>Rows and numbers as people read them.</summary>
static class Words
{
    public static string Line(Row row) => row.Ours.Count == 0
        ? $"{row.Figure}: {row.What}: not measured: {row.Note}"
        : $"{row.Figure}: {row.What}: {Number(row.Ours.Median)} {row.Unit}, p99 {Number(Worst(row.Ours, row.IsRate))}"
            + (row.Floor is { } floor ? $"; floor {Number(floor.Samples.Median)}, p99 {Number(Worst(floor.Samples, row.IsRate))}; ratio {Number(row.Ratio!.Value)}, of best tenths {Number(row.BestRatio!.Value)}" : "")
            + (row.IsMet is { } met ? $"; {TargetOf(row)}: {(met ? "met" : "MISSED")}" : "");

    /// <summary>Three digits that count.</summary>
    public static string Number(double value) => Math.Abs(value) switch
    {
        >= 100 => value.ToString("0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.ToString("0.00", CultureInfo.InvariantCulture),
    };

    public static string TargetOf(Row row)
    {
        if (row.Target is not { } target) return "";
        var limit = $"{(row.IsRate ? "≥" : "≤")} {Number(target.Limit)}";
        return target.IsRatio ? $"{limit}×" : $"{limit} {row.Unit}";
    }

    /// <summary>What all but one in a hundred kept to: of a rate, the slow end.</summary>
    public static double Worst(Samples samples, bool isRate) => samples.At(isRate ? 0.01 : 0.99);
}
