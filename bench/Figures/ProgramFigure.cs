using Runner.Bench.Measuring;
using Runner.Bench.Programs;

namespace Runner.Bench.Figures;

/// <summary>The program itself: how large it is, how soon it says something, how soon it serves.</summary>
sealed class ProgramFigure : IFigure
{
    public string Name => "program";

    public async Task MeasureAsync(Session session)
    {
        session.Add(new(Name, "size of the file", "MiB", Samples.Of(new FileInfo(session.Binary).Length / (double)(1 << 20))));

        var (version, help, line) = (new Samples(), new Samples(), new Samples());
        await session.InTurnsAsync(
            session.Times(100, 10),
            () => line.Add(Child.Run(session.FloorProgram("line"), [], []).Milliseconds),
            () => version.Add(Child.Run(session.Binary, ["version"], []).Milliseconds),
            () => help.Add(Child.Run(session.Binary, ["--help"], []).Milliseconds));
        var floor = new Floor("C: a static program with one line", line);
        session.Add(new(Name, "`runner version`", "ms", version) { Floor = floor });
        session.Add(new(Name, "`runner --help`", "ms", help) { Floor = floor });

        var (serve, listen) = (new Samples(), new Samples());
        using var server = new ServedRunner(session.Binary);
        await session.InTurnsAsync(
            session.Times(15, 3),
            () =>
            {
                using var bare = new TlsFloor(session.FloorProgram("tls"), server.Folder, "/dev/null");
                listen.Add(bare.MillisecondsToReady);
            },
            () =>
            {
                server.Restart(between: () => { });
                serve.Add(server.MillisecondsToReady);
            });
        session.Add(new(Name, "`runner serve` from exec to ready", "ms", serve) { Floor = new("C: a TLS server", listen), Target = Target.OfMedian(100) });
    }
}
