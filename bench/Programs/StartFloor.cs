using System.Globalization;

namespace Runner.Bench.Programs;

/// <summary>floor/start.c as it runs: starts programs in cgroups when it is told to.</summary>
sealed class StartFloor(Child program) : IDisposable
{
    /// <returns>Microseconds until the program was exec'd, and until nothing was left of it; for each start.</returns>
    public IReadOnlyList<(double Exec, double Total)> Start(int count)
    {
        program.WriteLine(count.ToString(CultureInfo.InvariantCulture));
        return [.. Enumerable.Range(0, count).Select(_ => program.ReadLine().Split(' ')).Select(words => (Microseconds(words[0]), Microseconds(words[1])))];
    }

    public void Dispose() => program.Dispose();

    private static double Microseconds(string nanoseconds) => long.Parse(nanoseconds, CultureInfo.InvariantCulture) / 1000.0;
}
