using System.Globalization;
using System.Text;

namespace Runner.Bench.Report;

/// <summary>A picture as text: shapes and words at places.</summary>
sealed class Svg(double width)
{
    public const string Ink = "#1f2328", Faint = "#8b949e", Grid = "#e1e4e8";

    private readonly StringBuilder _shapes = new();

    public void Line(double x1, double y1, double x2, double y2, string colour, double thickness = 1, bool dashed = false) =>
        Add($"<line x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\" stroke=\"{colour}\" stroke-width=\"{thickness:0.#}\"{Dashes(dashed)}/>");

    public void Rectangle(double x, double y, double wide, double high, string colour) =>
        Add($"<rect x=\"{x:0.#}\" y=\"{y:0.#}\" width=\"{wide:0.#}\" height=\"{high:0.#}\" fill=\"{colour}\"/>");

    public void Curve(IEnumerable<(double X, double Y)> points, string colour, bool dashed)
    {
        var places = string.Join(' ', points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{point.X:0.#},{point.Y:0.#}")));
        Add($"<polyline points=\"{places}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{Dashes(dashed)}/>");
    }

    /// <param name="anchor">Which end of the words is at the place: "start", "middle", "end".</param>
    public void Text(double x, double y, string words, string anchor = "start", string colour = Ink, double size = 12, bool bold = false) =>
        Add($"<text x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\" fill=\"{colour}\" font-size=\"{size:0.#}\"{(bold ? " font-weight=\"bold\"" : "")}>{Escaped(words)}</text>");

    public string ToText(double height) => string.Create(CultureInfo.InvariantCulture, $"""
        <svg xmlns="http://www.w3.org/2000/svg" width="{width:0}" height="{height:0}" viewBox="0 0 {width:0} {height:0}" font-family="system-ui, sans-serif">
        <rect width="100%" height="100%" fill="white"/>
        {_shapes}</svg>

        """);

    private void Add(FormattableString shape) => _shapes.AppendLine(shape.ToString(CultureInfo.InvariantCulture));

    private static string Dashes(bool dashed) => dashed ? " stroke-dasharray=\"5 4\"" : "";

    private static string Escaped(string words) => words
        .Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace("\"", "&quot;", StringComparison.Ordinal);
}
