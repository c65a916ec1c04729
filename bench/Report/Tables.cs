using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Runner.Bench.Measuring;

namespace Runner.Bench.Report;

/// <summary>The rows as a Markdown table for people, and as tab-separated values and JSON for programs.</summary>
static class Tables
{
    public static string Markdown(IEnumerable<Row> rows, string machine)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{machine}\n");
        text.AppendLine("| figure | what | ours: median | p99 | floor: median | p99 | ratio | of best tenths | target | met |");
        text.AppendLine("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |");
        foreach (var row in rows)
        {
            var floor = row.Floor?.Samples;
            var note = row.Note.Length > 0 ? $" ({row.Note})" : "";
            text.AppendLine(row.Ours.Count == 0
                ? $"| {row.Figure} | {row.What}: not measured: {Cell(row.Note)} | | | | | | | | |"
                : $"| {row.Figure} | {row.What}{(row.Floor is { } named ? $"; floor: {named.Name}" : "")}{Cell(note)} "
                    + $"| {Words.Number(row.Ours.Median)} {row.Unit} | {(row.Ours.Count > 1 ? Words.Number(Words.Worst(row.Ours, row.IsRate)) : "")} "
                    + $"| {(floor is null ? "" : Words.Number(floor.Median))} | {(floor is { Count: > 1 } ? Words.Number(Words.Worst(floor, row.IsRate)) : "")} "
                    + $"| {(row.Ratio is { } ratio ? Words.Number(ratio) : "")} | {(row.BestRatio is { } best ? Words.Number(best) : "")} | {Words.TargetOf(row)} | {row.IsMet switch { true => "yes", false => "**no**", null => "" }} |");
        }
        return text.ToString();
    }

    public static string TabSeparated(IEnumerable<Row> rows)
    {
        var text = new StringBuilder("figure\twhat\tunit\tsamples\tmedian\tp99\tfloor\tfloor_median\tfloor_p99\tratio\tbest_ratio\ttarget\tmet\tnote\n");
        foreach (var row in rows)
            text.AppendJoin('\t',
                row.Figure, row.What, row.Unit, row.Ours.Count.ToString(CultureInfo.InvariantCulture), Plain(row.Ours, row.IsRate, worst: false), Plain(row.Ours, row.IsRate, worst: true),
                row.Floor?.Name, Plain(row.Floor?.Samples, row.IsRate, worst: false), Plain(row.Floor?.Samples, row.IsRate, worst: true),
                row.Ratio?.ToString("0.###", CultureInfo.InvariantCulture), row.BestRatio?.ToString("0.###", CultureInfo.InvariantCulture), Words.TargetOf(row), row.IsMet switch { true => "yes", false => "no", null => "" }, row.Note).Append('\n');
        return text.ToString();
    }

    public static string Json(IEnumerable<Row> rows, string machine)
    {
        var root = new JsonObject
        {
            ["machine"] = machine,
            ["rows"] = new JsonArray([.. rows.Select(row => (JsonNode)new JsonObject
            {
                ["figure"] = row.Figure,
                ["what"] = row.What,
                ["unit"] = row.Unit,
                ["ours"] = Json(row.Ours, row.IsRate),
                ["floor"] = row.Floor is { } floor ? Json(floor.Samples, row.IsRate, floor.Name) : null,
                ["ratio"] = row.Ratio,
                ["best_ratio"] = row.BestRatio,
                ["target"] = row.Target is null ? null : Words.TargetOf(row),
                ["met"] = row.IsMet,
                ["note"] = row.Note,
            })]),
        };
        return root.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n";
    }

    private static JsonObject? Json(Samples samples, bool isRate, string? name = null)
    {
        if (samples.Count == 0) return null;
        var json = new JsonObject
        {
            ["samples"] = samples.Count, ["p10"] = samples.At(0.1), ["median"] = samples.Median, ["p90"] = samples.At(0.9), ["p99"] = Words.Worst(samples, isRate),
        };
        if (name is not null) json.Insert(0, "name", name);
        return json;
    }

    private static string Plain(Samples? samples, bool isRate, bool worst) =>
        samples is { Count: > 0 } ? (worst ? Words.Worst(samples, isRate) : samples.Median).ToString("0.###", CultureInfo.InvariantCulture) : "";

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace('\n', ' ');
}
