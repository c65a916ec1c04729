using Runner.Bench.Measuring;
using Runner.Bench.Programs;
using Runner.Jobs;

namespace Runner.Bench.Figures;

/// <summary>From the wish to the exec inside the server: cgroup with limits, pipes, files, clone3. Pauses between jobs show what
/// the kernel makes wait after a while without any (RCU grace periods), which a loop hides.</summary>
sealed class StartFigure : IFigure
{
    private static readonly Target s_target = Target.OfRatio(1.3);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    public string Name => "start";

    public async Task MeasureAsync(Session session)
    {
        using var machine = new InsideMachine();
        var limited = new ResourceLimits(Cpus: 0.5, MemoryBytes: 64 << 20, Pids: 100);
        await MeasureAsync(session, machine, limited, "CPU, memory and pids limits");
        await MeasureAsync(session, machine, ResourceLimits.None, "no limits");
    }

    private async Task MeasureAsync(Session session, InsideMachine machine, ResourceLimits limits, string which)
    {
        using var floor = machine.Floor(session.FloorProgram("start"), limits, record: false);
        await MeasureAsync(session, machine, limits, floor, rounds: 2, atOnce: 5, TimeSpan.Zero); // warms both up

        var loop = await MeasureAsync(session, machine, limits, floor, session.Times(40, 6), atOnce: 10, TimeSpan.Zero);
        Add(session, loop, $"start to exec, in a loop, {which}");
        var apart = await MeasureAsync(session, machine, limits, floor, session.Times(50, 8), atOnce: 1, s_pause);
        Add(session, apart, $"start to exec, 100 ms apart, {which}");
    }

    private void Add(Session session, (Samples Ours, Samples Floor) measured, string what) => session.Add(
        new(Name, what, "µs", measured.Ours) { Floor = new("C: same cgroups, clone3", measured.Floor), Target = s_target });

    private static async Task<(Samples Ours, Samples Floor)> MeasureAsync(
        Session session, InsideMachine machine, ResourceLimits limits, StartFloor floor, int rounds, int atOnce, TimeSpan pause)
    {
        var (ours, theirs) = (new Samples(), new Samples());
        await session.InTurnsAsync(
            rounds,
            async () =>
            {
                await Task.Delay(pause);
                theirs.AddRange(floor.Start(atOnce).Select(start => start.Exec));
            },
            async () =>
            {
                await Task.Delay(pause);
                for (var i = 0; i < atOnce; i++) ours.Add((await machine.LaunchAsync(limits)).Exec);
            });
        return (ours, theirs);
    }
}
