using Microsoft.Data.Sqlite;
using Runner.Bench.Measuring;
using Runner.Bench.Programs;
using Runner.Client;
using Runner.Jobs;

namespace Runner.Bench.Figures;

/// <summary>Whether what a server does gets slower with the jobs that it remembers: one server with a few and one with very
/// many, in turns. The few are the floor of the many.</summary>
sealed class HistoryFigure : IFigure
{
    // Two servers doing the same differ by about this much.
    private static readonly Target s_target = Target.OfRatio(1.2);

    public string Name => "history";

    public async Task MeasureAsync(Session session)
    {
        var many = session.Times(100_000, 20_000);
        using var fresh = new ServedRunner(session.Binary);
        using var old = new ServedRunner(session.Binary);
        foreach (var server in new[] { fresh, old })
            using (var client = server.Connect())
                for (var i = 0; i < 150; i++) await ServedRunner.RunJobAsync(client, "true");
        old.Restart(between: () => Multiply(Path.Combine(old.State, "runner.db"), many));

        using var few = fresh.Connect();
        using var much = old.Connect();
        if (await CountPagesAsync(much, session.Cancelled) < many / 2) throw new BenchException("the records that were made are not listed");
        var (start, startFloor, list, listFloor) = (new Samples(), new Samples(), new Samples(), new Samples());
        await session.InTurnsAsync(session.Times(20, 5), () => WarmAsync(few), () => WarmAsync(much));
        await session.InTurnsAsync(
            session.Times(200, 20),
            () => StartAsync(few, startFloor),
            () => StartAsync(much, start),
            () => ListAsync(few, listFloor),
            () => ListAsync(much, list));
        session.Add(new(Name, $"StartJob with {many} ended jobs", "ms", start) { Floor = new("the same with a few hundred", startFloor), Target = s_target });
        session.Add(new(Name, $"ListJobs, 100 of {many}", "ms", list) { Floor = new("the same with a few hundred", listFloor), Target = s_target });

        var (ready, readyFloor) = (new Samples(), new Samples());
        await session.InTurnsAsync(session.Times(8, 2), () => Restart(fresh, readyFloor), () => Restart(old, ready));
        session.Add(new(Name, $"`runner serve` to ready with {many} ended jobs", "ms", ready) { Floor = new("the same with a few hundred", readyFloor), Target = s_target });
    }

    private static async Task WarmAsync(RunnerClient client)
    {
        await StartAsync(client, new Samples());
        await ListAsync(client, new Samples());
    }

    private static async Task StartAsync(RunnerClient client, Samples samples)
    {
        var id = JobId.New();
        var begin = Clock.Now;
        await client.StartAsync(id, new JobSpec { Command = "true" }, CancellationToken.None);
        samples.Add(Clock.MillisecondsSince(begin));
        await client.WaitAsync(id, CancellationToken.None);
    }

    /// <summary>One page.</summary>
    private static async Task ListAsync(RunnerClient client, Samples samples)
    {
        var (begin, seen) = (Clock.Now, 0);
        await foreach (var _ in client.ListAsync(JobFilter.None, 100, CancellationToken.None))
            if (++seen == 100) break;
        samples.Add(Clock.MillisecondsSince(begin));
    }

    private static void Restart(ServedRunner server, Samples samples)
    {
        server.Restart(between: () => { });
        samples.Add(server.MillisecondsToReady);
    }

    private static async Task<int> CountPagesAsync(RunnerClient client, CancellationToken cancellationToken)
    {
        var count = 0;
        await foreach (var _ in client.ListAsync(JobFilter.None, 1000, cancellationToken)) count++;
        return count;
    }

    /// <summary>Copies the records there are under new ids until there are so many: in one transaction, for a start each would take minutes.</summary>
    private static void Multiply(string database, int count)
    {
        SQLitePCL.raw.SetProvider(new SQLitePCL.SQLite3Provider_e_sqlite3());
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = database, Pooling = false }.ToString());
        connection.Open();
        var columns = string.Join(", ", Texts(connection, "SELECT name FROM pragma_table_info('jobs') WHERE name NOT IN ('seq', 'id')"));
        // A version 7 UUID, as the server makes them, with nothing but chance in it.
        const string NewId = """
            lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-7' || substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))
            """;
        using var command = connection.CreateCommand();
        command.CommandText = $"""
            BEGIN;
            WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count} / 100)
            INSERT INTO jobs (id, {columns}) SELECT {NewId}, {columns} FROM numbers, (SELECT * FROM jobs LIMIT 100);
            COMMIT;
            """;
        command.ExecuteNonQuery();
    }

    private static List<string> Texts(SqliteConnection connection, string query)
    {
        using var command = connection.CreateCommand();
        command.CommandText = query;
        using var reader = command.ExecuteReader();
        var texts = new List<string>();
        while (reader.Read()) texts.Add(reader.GetString(0));
        return texts;
    }
}
