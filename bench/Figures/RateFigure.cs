using Runner.Bench.Measuring;
using Runner.Bench.Programs;
using Runner.Jobs;

namespace Runner.Bench.Figures;

/// <summary>Jobs a second from start to end, until nothing is left of each: the launcher alone, and with the registry and its
/// two durable records, for which the floor writes and syncs twice too.</summary>
sealed class RateFigure : IFigure
{
    private const int AtOnce = 4;
    private static readonly Target s_target = Target.OfRatio(0.75);

    public string Name => "rate";

    public async Task MeasureAsync(Session session)
    {
        using var machine = new InsideMachine();
        var (rounds, batch) = (session.Times(12, 3), session.Times(50, 10));
        await MeasureAsync(session, machine, rounds, batch, 1, record: false, "launcher, one after another");
        await MeasureAsync(session, machine, rounds, batch, 1, record: true, "registry with durable records, one after another");
        await MeasureAsync(session, machine, rounds, batch, AtOnce, record: true, $"registry with durable records, {AtOnce} at once");
    }

    private async Task MeasureAsync(Session session, InsideMachine machine, int rounds, int batch, int atOnce, bool record, string what)
    {
        var limits = ResourceLimits.None;
        var floors = Enumerable.Range(0, atOnce).Select(_ => machine.Floor(session.FloorProgram("start"), limits, record)).ToList();
        var (ours, theirs) = (new Samples(), new Samples());
        try
        {
            // The first round warms both up.
            for (var counts = false; ; counts = true)
            {
                await session.InTurnsAsync(
                    counts ? rounds : 1,
                    async () => Count(theirs, counts, await RateAsync(floors, batch, floor => Task.Run(() => floor.Start(batch)))),
                    async () => Count(ours, counts, await RateAsync(floors, batch, _ => Task.Run(async () =>
                    {
                        for (var i = 0; i < batch; i++) await (record ? machine.RunAsync(limits) : machine.LaunchAsync(limits));
                    }))));
                if (counts) break;
            }
        }
        finally
        {
            foreach (var floor in floors) floor.Dispose();
        }
        session.Add(new(Name, $"starts to ends, {what}", "/s", ours)
        {
            Floor = new(record ? "C: same cgroups, two fdatasyncs" : "C: same cgroups", theirs), Target = s_target, IsRate = true,
        });
    }

    private static void Count(Samples samples, bool counts, double rate)
    {
        if (counts) samples.Add(rate);
    }

    /// <summary>Starts a second, when each of those at once does a batch.</summary>
    private static async Task<double> RateAsync(List<StartFloor> atOnce, int batch, Func<StartFloor, Task> work)
    {
        var begin = Clock.Now;
        await Task.WhenAll(atOnce.Select(work));
        return atOnce.Count * batch / (Clock.MillisecondsSince(begin) / 1000);
    }
}
