using System.Globalization;
using Microsoft.Data.Sqlite;
using Runner.Jobs;

namespace Runner.Store;

/// <summary>
/// A filter as SQL, newest first. Of the indexes that lead to what it wants, the one with the fewest jobs is walked, and
/// the rest of the filter is asked of each job met there: SQLite itself cannot know that few jobs were lost and most exited.
/// </summary>
sealed class JobQuery
{
    // Counting stops here: it costs a tenth of a millisecond, and a walk this long a few.
    private const int MostCounted = 2000;

    private readonly SqliteConnection _connection;
    private readonly List<string> _conditions = [];
    private readonly List<string> _times = [];
    private readonly List<Way> _ways = [];
    private readonly Dictionary<string, object> _values = [];

    /// <summary>One way to the jobs, in the order of the list.</summary>
    /// <param name="From">The table and index walked.</param>
    /// <param name="Order">The table that has the list's order.</param>
    /// <param name="Where">What is true of all jobs there.</param>
    /// <param name="IsSorted">Whether they are met in the list's order; otherwise all of them must be few.</param>
    private sealed record Way(string From, string Order, string Where, bool IsSorted = true);

    public JobQuery(SqliteConnection connection, JobFilter filter)
    {
        _connection = connection;
        if (filter.Reference is JobReference.Process process) AddProcess(process);
        if (filter.Reference is JobReference.Word word) AddWord(word);
        if (filter.Name is { } name) AddIndexed("jobs_by_name", $"jobs.name = {Value(name)} AND jobs.name <> ''");
        for (var i = 0; i < filter.Labels.Count; i++) AddLabel(filter.Labels[i]);
        if (filter.Reason is { } reason) AddIndexed("jobs_by_reason", $"jobs.reason = {Value(reason)}");
        if (filter.ExitCode is { } code) AddIndexed("jobs_by_exit_code", $"jobs.exit_code = {Value(code)}");
        if (filter.Failed) AddIndexed("jobs_failed", "jobs.outcome IS NOT NULL AND jobs.exit_code IS NOT 0");
        if (filter.Running is true) AddIndexed("jobs_unended", "jobs.outcome IS NULL");
        if (filter.Running is false) _conditions.Add("jobs.outcome IS NOT NULL");
        if (filter.Pinned is true) AddIndexed("jobs_pinned", "jobs.pinned <> 0");
        if (filter.Pinned is false) _conditions.Add("jobs.pinned = 0");
        if (filter.HasOutput) AddIndexed("jobs_with_output", "jobs.stored_bytes > 0");
        if (filter.EndedBefore is { } end)
        {
            // Whoever ended then had started then, which the walk's order knows.
            _conditions.Add($"jobs.ended_at < {Value(Stamp.From(end))}");
            _times.Add($"started_at < {Value(Stamp.From(end))}");
        }
        if (filter.Owner is { } owner) AddIndexed("jobs_by_owner", $"jobs.owner = {Value(owner)}");
        if (filter.Since is { } since) _times.Add($"started_at >= {Value(Stamp.From(since))}");
        if (filter.Until is { } until) _times.Add($"started_at < {Value(Stamp.From(until))}");
    }

    /// <param name="columns">What is wanted of each job.</param>
    /// <param name="before">The last job of the page before, by its place in the list; null: from the newest.</param>
    /// <param name="count">Most jobs wanted.</param>
    public SqliteCommand ToCommand(string columns, (long StartedAt, long Seq)? before, int count)
    {
        var way = Shortest();
        var where = new List<string>(_conditions) { way.Where };
        where.AddRange(_times.Select(time => $"{way.Order}.{time}"));
        if (before is { } last) where.Add($"({way.Order}.started_at, {way.Order}.seq) < ({Value(last.StartedAt)}, {Value(last.Seq)})");
        return Command(
            $"SELECT {columns} FROM {way.From} WHERE {string.Join(" AND ", where)} ORDER BY {way.Order}.started_at DESC, {way.Order}.seq DESC LIMIT {Value(count)}");
    }

    /// <summary>As it stands in the table of labels.</summary>
    public static string Term(LabelFilter label) => label.Value is null ? label.Key : $"{label.Key}={label.Value}";

    private Way Shortest()
    {
        var everything = new Way("jobs INDEXED BY jobs_by_start", "jobs", "true");
        if (_ways.Count == 0 || _ways is [{ IsSorted: true }]) return _ways.FirstOrDefault(everything);
        var counted = _ways.Select(way => (Way: way, Jobs: Count(way))).Where(way => way.Way.IsSorted || way.Jobs < MostCounted).ToList();
        return counted.Count > 0 ? counted.MinBy(way => way.Jobs).Way : everything;
    }

    private long Count(Way way)
    {
        // Where all must be few, all are counted.
        var times = way.IsSorted ? _times.Select(time => $"{way.Order}.{time}") : [];
        var where = times.Prepend(way.Where);
        using var command = Command($"SELECT count(*) FROM (SELECT 1 FROM {way.From} WHERE {string.Join(" AND ", where)} LIMIT {MostCounted})");
        return (long)command.ExecuteScalar()!;
    }

    private void AddIndexed(string index, string condition)
    {
        _ways.Add(new($"jobs INDEXED BY {index}", "jobs", condition));
        _conditions.Add(condition);
    }

    private void AddLabel(LabelFilter label)
    {
        var term = Value(Term(label));
        _ways.Add(new("labels CROSS JOIN jobs ON jobs.seq = labels.seq", "labels", $"labels.term = {term}"));
        _conditions.Add($"EXISTS (SELECT 1 FROM labels AS own WHERE own.term = {term} AND own.started_at = jobs.started_at AND own.seq = jobs.seq)");
    }

    private void AddProcess(JobReference.Process process)
    {
        AddIndexed("jobs_by_pid", $"jobs.pid = {Value(process.Pid)}");
        if (process.Second is not { } second) return;
        _times.Add($"started_at >= {Value(Stamp.From(second))}");
        _times.Add($"started_at < {Value(Stamp.From(second) + TimeSpan.TicksPerSecond)}");
    }

    private void AddWord(JobReference.Word word)
    {
        // 'g' follows every digit and is no digit itself.
        var (name, from, to) = (Value(word.Name ?? ""), Value(word.IdStart ?? ""), Value(word.IdStart is { } start ? $"{start}g" : ""));
        var (named, starting) = ($"jobs.name = {name} AND jobs.name <> ''", $"jobs.id >= {from} AND jobs.id < {to}");
        _conditions.Add($"(({named}) OR ({starting}))");

        // Two ways in one: what they lead to is sorted, so it must not be much.
        var limit = $"LIMIT {MostCounted}";
        _ways.Add(new("jobs NOT INDEXED", "jobs",
            $"jobs.seq IN (SELECT seq FROM (SELECT seq FROM jobs WHERE {named} {limit}) UNION ALL SELECT seq FROM (SELECT seq FROM jobs WHERE {starting} {limit}))",
            IsSorted: false));
    }

    /// <summary>A parameter with this value.</summary>
    private string Value(object value)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"$v{_values.Count}");
        _values.Add(name, value);
        return name;
    }

    private SqliteCommand Command(string text)
    {
        var command = _connection.CreateCommand();
        command.CommandText = text;
        foreach (var (name, value) in _values) command.Parameters.AddWithValue(name, value);
        return command;
    }
}
