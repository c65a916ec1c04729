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
        using var bare = machine.Floor(session.FloorProgram("start"), limits);
        using var whole = machine.Floor(session.FloorProgram("start"), limits, output: true);
        await MeasureAsync(session, machine, limits, bare, whole, rounds: 2, atOnce: 5, TimeSpan.Zero); // warms all up

        Add(session, await MeasureAsync(session, machine, limits, bare, whole, session.Times(40, 6), atOnce: 10, TimeSpan.Zero), $"in a loop, {which}");
        Add(session, await MeasureAsync(session, machine, limits, bare, whole, session.Times(40, 6), atOnce: 1, s_pause), $"100 ms apart, {which}");
    }

    private void Add(Session session, (Samples Ours, Samples Bare, Samples Whole) measured, string how)
    {
        session.Add(new(Name, $"start to exec, {how}", "µs", measured.Ours) { Floor = new("C: same cgroups", measured.Bare), Target = s_target });
        session.Add(new(Name, $"start to exec, {how}", "µs", measured.Ours) { Floor = new("C: same cgroups, pipes, files, session", measured.Whole) });
    }

    private static async Task<(Samples Ours, Samples Bare, Samples Whole)> MeasureAsync(
        Session session, InsideMachine machine, ResourceLimits limits, StartFloor bare, StartFloor whole, int rounds, int atOnce, TimeSpan pause)
    {
        var (ours, least, more) = (new Samples(), new Samples(), new Samples());
        await session.InTurnsAsync(
            rounds,
            () => FloorAsync(bare, least),
            async () =>
            {
                await Task.Delay(pause);
                for (var i = 0; i < atOnce; i++) ours.Add((await machine.LaunchAsync(limits)).Exec);
            },
            () => FloorAsync(whole, more));
        return (ours, least, more);

        async Task FloorAsync(StartFloor floor, Samples samples)
        {
            await Task.Delay(pause);
            samples.AddRange(floor.Start(atOnce).Select(start => start.Exec));
        }
    }
}
