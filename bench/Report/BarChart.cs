using Runner.Bench.Measuring;

namespace Runner.Bench.Report;

/// <summary>A bar for each row, with its target marked. Always as a cost, so that shorter is better: a rate is turned round.</summary>
static class BarChart
{
    private const double Width = 1060, Left = 500, Right = 70, Top = 56, RowHeight = 24, BarHeight = 14;
    private const string Met = "#2f81c7", Missed = "#e0662b", NoTarget = "#a8b1ba";

    /// <summary>How much more than the floor each row costs, on a logarithmic scale with the floor at 1.</summary>
    public static string OfRatios(IReadOnlyList<Row> all)
    {
        var rows = all.Where(row => row.Ratio > 0).ToList();
        var costs = rows.Select(row => Cost(row, row.Ratio!.Value)).ToList();
        var limits = rows.Select(row => row.Target is { IsRatio: true } target ? Cost(row, target.Limit) : (double?)null).ToList();
        var known = costs.Concat(limits.OfType<double>()).Append(1).ToList();
        var (least, most) = (Math.Log2(known.Min()) - 0.3, Math.Log2(known.Max()) + 0.3);
        double At(double cost) => Left + (Math.Log2(cost) - least) / (most - least) * (Width - Left - Right);

        var svg = new Svg(Width);
        Head(svg, "Cost against the floor, measured in turns (1× is the floor; shorter is better)", rows.Count);
        for (var power = Math.Ceiling(least); power <= most; power++) Tick(svg, At(Math.Pow(2, power)), $"{Words.Number(Math.Pow(2, power))}×", rows.Count);
        for (var i = 0; i < rows.Count; i++) Bar(svg, i, rows[i], $"{rows[i].What}, {rows[i].Floor!.Name}", At(1), At(costs[i]), $"{Words.Number(costs[i])}×", limits[i] is { } limit ? At(limit) : null);
        return svg.ToText(Top + rows.Count * RowHeight + 20);
    }

    /// <summary>How much of its target each row takes; 1 is all of it.</summary>
    public static string OfTargets(IReadOnlyList<Row> all)
    {
        const double Longest = 3;
        var rows = all.Where(row => row.Judged is not null).ToList();
        double At(double part) => Left + Math.Clamp(part, 0, Longest) / Longest * (Width - Left - Right);

        var svg = new Svg(Width);
        Head(svg, "Part of the target that is used (1 is all of it; shorter is better)", rows.Count);
        for (var part = 0.0; part <= Longest; part += 0.5) Tick(svg, At(part), Words.Number(part), rows.Count);
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows[i];
            var part = Cost(row, row.Judged!.Value / row.Target!.Limit);
            Bar(svg, i, row, $"{row.What} {Words.TargetOf(row)}", At(0), At(part), $"{Words.Number(row.Judged.Value)}{(row.Target.IsRatio ? "×" : " " + row.Unit)}", At(1));
        }
        return svg.ToText(Top + rows.Count * RowHeight + 20);
    }

    private static double Cost(Row row, double value) => row.IsRate ? 1 / value : value;

    private static void Head(Svg svg, string title, int rows)
    {
        svg.Text(12, 22, title, size: 15, bold: true);
        svg.Rectangle(Width - 290, 32, 10, 10, Met);
        svg.Text(Width - 276, 41, "target met", size: 11);
        svg.Rectangle(Width - 200, 32, 10, 10, Missed);
        svg.Text(Width - 186, 41, "missed", size: 11);
        svg.Rectangle(Width - 130, 32, 10, 10, NoTarget);
        svg.Text(Width - 116, 41, "no target", size: 11);
        if (rows == 0) svg.Text(Left, Top + 12, "nothing was measured", colour: Svg.Faint);
    }

    private static void Tick(Svg svg, double x, string words, int rows)
    {
        svg.Line(x, Top, x, Top + rows * RowHeight, Svg.Grid);
        svg.Text(x, Top + rows * RowHeight + 14, words, "middle", Svg.Faint, 11);
    }

    private static void Bar(Svg svg, int index, Row row, string label, double from, double to, string value, double? limit)
    {
        const int MostLetters = 84;
        var (y, colour) = (Top + index * RowHeight, row.IsMet switch { true => Met, false => Missed, null => NoTarget });
        label = label.Replace("`", "", StringComparison.Ordinal);
        svg.Text(Left - 10, y + 16, label.Length > MostLetters ? label[..(MostLetters - 1)] + "…" : label, "end", size: 11);
        svg.Rectangle(Math.Min(from, to), y + 5, Math.Max(1, Math.Abs(to - from)), BarHeight, colour);
        if (limit is { } mark) svg.Line(mark, y + 1, mark, y + RowHeight - 1, Svg.Ink, 2);
        svg.Text(Math.Max(Math.Max(from, to), limit ?? 0) + 5, y + 16, value, size: 11);
    }
}
