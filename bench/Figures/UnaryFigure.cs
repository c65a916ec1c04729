using Runner.Bench.Measuring;
using Runner.Bench.Programs;

namespace Runner.Bench.Figures;

/// <summary>One call and its answer over a connection that stands, from a client in this process to a server in another.</summary>
sealed class UnaryFigure : IFigure
{
    private const int Batch = 100;

    // About what a small gRPC request with its frames takes.
    private const int MessageSize = 256;

    public string Name => "unary";

    public async Task MeasureAsync(Session session)
    {
        using var server = new ServedRunner(session.Binary);
        using var client = server.Connect();
        using var bare = new TlsFloor(session.FloorProgram("tls"), server.Folder, "/dev/null");
        using var connection = bare.Connect(MessageSize);
        var job = await ServedRunner.RunJobAsync(client, "true");
        var (info, get, floor) = (new Samples(), new Samples(), new Samples());
        for (var i = 0; i < session.Times(1000, 100); i++) await client.InfoAsync(session.Cancelled);

        await session.InTurnsAsync(
            session.Times(20, 3),
            () =>
            {
                floor.AddRange(TlsFloor.Ping(connection, Batch));
                return Task.CompletedTask;
            },
            () => TimeAsync(info, () => client.InfoAsync(session.Cancelled)),
            () => TimeAsync(get, () => client.GetAsync(job, session.Cancelled)));
        var round = new Floor("C: round trip over TLS", floor);
        session.Add(new(Name, "GetInfo on a warm connection", "µs", info) { Floor = round, Target = Target.OfMedian(150) });
        session.Add(new(Name, "GetJob on a warm connection", "µs", get) { Floor = round, Target = Target.OfMedian(150) });
    }

    private static async Task TimeAsync(Samples samples, Func<Task> call)
    {
        for (var i = 0; i < Batch; i++)
        {
            var begin = Clock.Now;
            await call();
            samples.Add(Clock.MicrosecondsSince(begin));
        }
    }
}
