using Runner.Bench.Measuring;

namespace Runner.Bench.Report;

/// <summary>For each row of a figure the value that half, nine in ten, ninety-nine in a hundred of its samples do not exceed,
/// ours and the floor's; both scales are logarithmic, so that the tail can be seen.</summary>
static class PercentileChart
{
    private const double Width = 860, Left = 70, Right = 260, PanelHeight = 190, PlotHeight = 120, Head = 44;
    private const int Enough = 20;
    private static readonly double[] s_parts = [0.5, 0.9, 0.99, 0.999];
    private const string Ours = "#2f81c7", Floor = "#8b949e";

    /// <summary>Null: no row of the figure has samples enough.</summary>
    public static string? Of(string figure, IEnumerable<Row> all)
    {
        var rows = all.Where(row => row.Ours.Count >= Enough && !row.IsRate).ToList();
        if (rows.Count == 0) return null;
        var svg = new Svg(Width);
        svg.Text(12, 22, $"{figure}: percentiles", size: 15, bold: true);
        for (var i = 0; i < rows.Count; i++) Panel(svg, Head + i * PanelHeight, rows[i]);
        return svg.ToText(Head + rows.Count * PanelHeight);
    }

    private static void Panel(Svg svg, double top, Row row)
    {
        var floor = row.Floor is { Samples.Count: >= Enough } given ? given.Samples : null;
        var both = new[] { row.Ours, floor }.OfType<Samples>().ToList();
        var plot = (Top: top + 18, Bottom: top + 18 + PlotHeight);
        var (least, most) = (Math.Log10(both.Min(samples => samples.At(0.01))) - 0.05, Math.Log10(both.Max(samples => samples.At(1))) + 0.05);
        var nines = Math.Log10(both.Max(samples => samples.Count));
        double X(double part) => Left + Math.Min(nines, -Math.Log10(1 - part)) / nines * (Width - Left - Right);
        double Y(double value) => plot.Bottom - (Math.Log10(value) - least) / (most - least) * PlotHeight;

        svg.Text(Left, top + 10, row.What.Replace("`", "", StringComparison.Ordinal), bold: true);
        foreach (var part in s_parts.Where(part => -Math.Log10(1 - part) <= nines))
        {
            svg.Line(X(part), plot.Top, X(part), plot.Bottom, Svg.Grid);
            svg.Text(X(part), plot.Bottom + 14, $"p{Words.Number(part * 100).TrimEnd('0').TrimEnd('.')}", "middle", Svg.Faint, 11);
        }
        foreach (var value in Marks(least, most))
        {
            svg.Line(Left, Y(value), Width - Right, Y(value), Svg.Grid);
            svg.Text(Left - 6, Y(value) + 4, $"{Words.Number(value)} {row.Unit}", "end", Svg.Faint, 11);
        }
        if (row.Target is { IsRatio: false } target && Math.Log10(target.Limit) > least && Math.Log10(target.Limit) < most)
        {
            svg.Line(Left, Y(target.Limit), Width - Right, Y(target.Limit), Svg.Ink, dashed: true);
            svg.Text(Width - Right + 6, Math.Max(Y(target.Limit) + 4, plot.Top + 40), "target of the median", size: 11);
        }
        Curve(svg, row.Ours, X, Y, Ours, dashed: false);
        svg.Text(Width - Right + 6, plot.Top + 8, "— ours", colour: Ours, size: 11);
        if (floor is null) return;
        Curve(svg, floor, X, Y, Floor, dashed: true);
        svg.Text(Width - Right + 6, plot.Top + 24, $"- - {row.Floor!.Name}", colour: Floor, size: 11);
    }

    private static void Curve(Svg svg, Samples samples, Func<double, double> x, Func<double, double> y, string colour, bool dashed)
    {
        // As many points as can be told apart, up to the last sample but the worst few.
        var parts = Enumerable.Range(0, 121).Select(i => 1 - Math.Pow(10, -i / 120.0 * Math.Log10(samples.Count))).ToList();
        svg.Curve(parts.Select(part => (x(part), y(samples.At(part)))), colour, dashed);
    }

    // 1, 2, 5, 10, ... or, within a small span, every tenth of its decade.
    private static IEnumerable<double> Marks(double least, double most)
    {
        for (var power = Math.Floor(least); power <= most; power++)
            foreach (var digit in most - least > 0.5 ? new double[] { 1, 2, 5 } : [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9])
                if (Math.Log10(digit) + power is var at && at > least && at < most) yield return digit * Math.Pow(10, power);
    }
}
