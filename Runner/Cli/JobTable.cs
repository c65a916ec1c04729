using Runner.Jobs;
using Runner.Wire;

namespace Runner.Cli;

/// <summary>
/// Jobs a line each, in columns as wide as what is in them; what may be long comes last. A column that grew stays so
/// wide in what follows.
/// </summary>
sealed class JobTable
{
    private static readonly string[] s_heads = ["UUID", "STATE", "STARTED", "OWNER", "NAME", "COMMAND"];
    private const int MostOwner = 16, MostName = 24;

    private readonly int[] _widths = new int[s_heads.Length];

    /// <summary>The head and the first rows.</summary>
    public string Start(IReadOnlyList<JobView> jobs) => Lines([s_heads, .. jobs.Select(Cells)]);

    /// <summary>More rows; not none.</summary>
    public string Rows(IReadOnlyList<JobView> jobs) => Lines([.. jobs.Select(Cells)]);

    private string Lines(IReadOnlyList<string[]> rows)
    {
        foreach (var row in rows)
            for (var i = 0; i < row.Length; i++) _widths[i] = Math.Max(_widths[i], row[i].Length);
        return string.Join('\n', rows.Select(row => string.Join("  ", row.Select((cell, i) => i == row.Length - 1 ? cell : cell.PadRight(_widths[i])))));
    }

    private static string[] Cells(JobView job)
    {
        var (record, spec) = (job.Record, job.Record.Spec);
        return
        [
            record.Id.ToString(), JobText.Short(record.State), Rfc3339.Show(record.StartedAt),
            Cut(record.Owner, MostOwner), spec.Name.Length > 0 ? Cut(spec.Name, MostName) : "-", JobText.CommandLine(spec),
        ];
    }

    private static string Cut(string text, int most) => Quoted.Line(text, most);
}
