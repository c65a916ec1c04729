namespace Runner.Bench.Measuring;

/// <summary>One run of the benchmark: how thorough it is, where everything lies, and what has been measured so far.</summary>
/// <param name="isQuick">A smoke test: every figure with few samples.</param>
/// <param name="binary">The published program.</param>
/// <param name="floors">The folder with the compiled floor programs.</param>
/// <param name="cancellationToken">Ends the run early; what was started is stopped and removed.</param>
sealed class Session(bool isQuick, string binary, string floors, CancellationToken cancellationToken)
{
    private readonly List<Row> _rows = [];

    public string Binary => binary;
    public CancellationToken Cancelled => cancellationToken;
    public IReadOnlyList<Row> Rows => _rows;

    public string FloorProgram(string name) => Path.Combine(floors, name);

    /// <summary>How often something is done: as given, or fewer times in a quick run.</summary>
    public int Times(int thorough, int quick) => isQuick ? quick : thorough;

    public void Add(Row row)
    {
        _rows.Add(row);
        Console.Error.WriteLine(Report.Words.Line(row));
    }

    /// <summary>Does each in turn, so many times, so that whatever else the machine does hits all of them.</summary>
    public async Task InTurnsAsync(int rounds, params Func<Task>[] parts)
    {
        for (var round = 0; round < rounds; round++)
        {
            foreach (var part in parts)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await part();
            }
        }
    }

    public Task InTurnsAsync(int rounds, params Action[] parts) => InTurnsAsync(rounds, [.. parts.Select(part => (Func<Task>)(() =>
    {
        part();
        return Task.CompletedTask;
    }))]);
}

/// <summary>One thing worth knowing, measured against its floor; a file each.</summary>
interface IFigure
{
    /// <summary>What it is called on the command line.</summary>
    string Name { get; }

    Task MeasureAsync(Session session);
}
