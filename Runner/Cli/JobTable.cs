using Runner.Jobs;
using Runner.Wire;

namespace Runner.Cli;

/// <summary>
/// Jobs a line each, in columns as wide as what is in them; what may be long is cut, and told whole by `status`. A column
/// that grew stays so wide in what follows, and there is one for names once a job has one.
/// </summary>
sealed class JobTable
{
    private static readonly string[] s_heads = ["UUID", "STATE", "STARTED", "OWNER", "NAME", "COMMAND"];
    private const int NameColumn = 4, MostOwner = 16, MostName = 24, MostCommand = 64;
    private const string NoName = "-";

    private readonly int[] _widths = new int[s_heads.Length];
    private bool _hasNames;

    /// <summary>The head and the first rows.</summary>
    public string Start(IReadOnlyList<JobView> jobs) => Lines([s_heads], jobs);

    /// <summary>More rows; not none.</summary>
    public string Rows(IReadOnlyList<JobView> jobs) => Lines([], jobs);

    private string Lines(IReadOnlyList<string[]> heads, IReadOnlyList<JobView> jobs)
    {
        _hasNames |= jobs.Any(job => job.Record.Spec.Name.Length > 0);
        string[][] rows = [.. heads, .. jobs.Select(Cells)];
        foreach (var row in rows)
            for (var i = 0; i < row.Length; i++) _widths[i] = Math.Max(_widths[i], row[i].Length);
        return string.Join('\n', rows.Select(Line));
    }

    private string Line(string[] row) => string.Join("  ", row.Index()
        .Where(cell => _hasNames || cell.Index != NameColumn)
        .Select(cell => cell.Index == row.Length - 1 ? cell.Item : cell.Item.PadRight(_widths[cell.Index])));

    private static string[] Cells(JobView job)
    {
        var (record, spec) = (job.Record, job.Record.Spec);
        return
        [
            record.Id.ToString(), JobText.Short(record.State), Rfc3339.Show(record.StartedAt),
            Cut(record.Owner, MostOwner), spec.Name.Length > 0 ? Cut(spec.Name, MostName) : NoName, Cut(JobText.CommandLine(spec), MostCommand),
        ];
    }

    private static string Cut(string text, int most) => Quoted.Line(text, most);
}
