using System.Globalization;
using System.Text;
using Runner.Bench.Measuring;
using Runner.Bench.Programs;

namespace Runner.Bench.Figures;

/// <summary>From the moment a job writes a line until whoever reads the client's output has it.</summary>
sealed class DelayFigure : IFigure
{
    // Long enough for the follower to be there before the first line; a line a few milliseconds, as a chatty job would.
    private const int DelayMicroseconds = 300_000;
    private const int PauseMicroseconds = 4_000;

    public string Name => "delay";

    public async Task MeasureAsync(Session session)
    {
        using var server = new ServedRunner(session.Binary);
        using var client = server.Connect();
        var tick = session.FloorProgram("tick");
        string[] words = [session.Times(250, 50).ToString(CultureInfo.InvariantCulture),
            PauseMicroseconds.ToString(CultureInfo.InvariantCulture), DelayMicroseconds.ToString(CultureInfo.InvariantCulture)];
        var fifo = server.Folder.At("ticks");
        Child.Run("mkfifo", [fifo], []);
        using var bare = new TlsFloor(session.FloorProgram("tls"), server.Folder, fifo);
        var (run, logs, floor) = (new Samples(), new Samples(), new Samples());

        await session.InTurnsAsync(
            session.Times(4, 1),
            () =>
            {
                using var follower = bare.Follow();
                using var writer = Child.Start("sh", "-c", $"exec {tick} {string.Join(' ', words)} >{fifo}");
                ReadDelays(follower, floor);
                return Task.CompletedTask;
            },
            () =>
            {
                using var follower = server.Follow(["run", "--", tick, .. words]);
                ReadDelays(follower, run);
                return Task.CompletedTask;
            },
            async () =>
            {
                var id = Jobs.JobId.New();
                await client.StartAsync(id, new Jobs.JobSpec { Command = tick, Args = words }, session.Cancelled);
                using var follower = server.Follow("logs", "-f", id.ToString());
                ReadDelays(follower, logs);
            });
        var copy = new Floor("C: TLS copy of a pipe", floor);
        session.Add(new(Name, "a job's line to the output of `runner run`", "µs", run) { Floor = copy, Target = Target.OfMedian(1000) });
        session.Add(new(Name, "a job's line to the output of `runner logs -f`", "µs", logs) { Floor = copy, Target = Target.OfMedian(1000) });
    }

    private static void ReadDelays(Child follower, Samples delays)
    {
        var rest = "";
        while (follower.Read() is { Length: > 0 } piece)
        {
            var now = Clock.Now;
            var lines = (rest + Encoding.ASCII.GetString(piece)).Split('\n');
            rest = lines[^1];
            delays.AddRange(lines[..^1].Select(line => (now - long.Parse(line, CultureInfo.InvariantCulture)) / 1000.0));
        }
        if (follower.WaitForEnd().Status != 0) throw new BenchException("a follower ended badly");
    }
}
