using System.Globalization;
using System.Runtime.InteropServices;
using Runner.Bench.Figures;
using Runner.Bench.Measuring;
using Runner.Bench.Programs;
using Runner.Bench.Report;
using Runner.Certificates;

// bench BINARY FLOORS RESULTS [--quick] [FIGURE]...
IReadOnlyList<IFigure> known = [new ProgramFigure(), new StartFigure(), new RateFigure(), new CommandFigure(), new UnaryFigure(), new DelayFigure(), new FollowFigure(), new MemoryFigure(), new HistoryFigure()];
var wanted = args.Skip(3).Where(word => word != "--quick").ToList();
if (args.Length < 3 || wanted.FirstOrDefault(word => known.All(figure => figure.Name != word)) is not null)
{
    Console.Error.WriteLine($"usage: ./build.sh bench [--quick] [FIGURE]...\nfigures: {string.Join(' ', known.Select(figure => figure.Name))}");
    return 2;
}

using var cancel = new CancellationTokenSource();
void Cancel(PosixSignalContext context)
{
    context.Cancel = true;
    cancel.Cancel();
}
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);

TlsStartup.Prepare();
var loadBefore = Load();
var session = new Session(args.Contains("--quick"), Path.GetFullPath(args[0]), Path.GetFullPath(args[1]), cancel.Token);
foreach (var figure in known.Where(figure => wanted.Count == 0 || wanted.Contains(figure.Name)))
{
    if (cancel.IsCancellationRequested) break;
    try
    {
        await figure.MeasureAsync(session);
    }
    catch (Exception e) when (!cancel.IsCancellationRequested)
    {
        session.Add(Row.Unmeasured(figure.Name, "what is not above", e.Message));
        if (e is not BenchException) Console.Error.WriteLine(e);
        if (File.Exists(Child.Complaints)) Console.Error.WriteLine(string.Join('\n', File.ReadLines(Child.Complaints).TakeLast(10)));
    }
    catch (OperationCanceledException)
    {
        Console.Error.WriteLine("bench: told to stop");
    }
}
File.Delete(Child.Complaints);
if (cancel.IsCancellationRequested) return 130;

var results = Directory.CreateDirectory(args[2]).FullName;
var machine = string.Create(CultureInfo.InvariantCulture,
    $"{DateTime.UtcNow:yyyy-MM-dd}, {RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}, {Environment.ProcessorCount} cores, load {loadBefore} before and {Load()} after{(args.Contains("--quick") ? ", quick run" : "")}");
Write("table.md", Tables.Markdown(session.Rows, machine));
Write("table.tsv", Tables.TabSeparated(session.Rows));
Write("table.json", Tables.Json(session.Rows, machine));
Write("ratios.svg", BarChart.OfRatios(session.Rows));
Write("targets.svg", BarChart.OfTargets(session.Rows));
foreach (var figure in session.Rows.GroupBy(row => row.Figure))
    if (PercentileChart.Of(figure.Key, figure) is { } chart) Write($"percentiles-{figure.Key}.svg", chart);
Console.WriteLine(Tables.Markdown(session.Rows, machine));

// What could not be measured is a gap in the table; a table of nothing is a failure.
return session.Rows.Any(row => row.Ours.Count > 0) ? 0 : 1;

// Runnable processes on average over the last minute (proc_loadavg(5)): above the number of cores, others were in the way.
static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

void Write(string name, string text) => File.WriteAllText(Path.Combine(results, name), text);
