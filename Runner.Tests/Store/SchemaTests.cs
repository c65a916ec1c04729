using Microsoft.Data.Sqlite;
using Runner.Jobs;
using Runner.Store;
using Runner.Tests.Support;

namespace Runner.Tests.Store;

/// <summary>A file that an older release wrote is read, searched and written on by this one.</summary>
public sealed class SchemaTests : IDisposable
{
    private const string Exited = "0199d3c4-5f2e-7a10-8c3b-2f6f1d9be001", Killed = "0199d3c4-5f2e-7a10-8c3b-2f6f1d9be002",
        Lost = "0199d3c4-5f2e-7a10-8c3b-2f6f1d9be003", Unended = "0199d3c4-5f2e-7a10-8c3b-2f6f1d9be004";

    /// <summary>Version 1 to the letter, with the rows its release wrote.</summary>
    private const string VersionOne = """
        CREATE TABLE jobs (
            seq        INTEGER PRIMARY KEY,  -- order of starts
            id         TEXT NOT NULL UNIQUE,
            owner      TEXT NOT NULL,
            name       TEXT NOT NULL,
            pid        INTEGER NOT NULL,
            started_at INTEGER NOT NULL,     -- 100 ns ticks since 0001, UTC
            spec       TEXT NOT NULL,        -- JSON
            applied    TEXT NOT NULL,        -- JSON
            ended_at   INTEGER,
            outcome    TEXT                  -- JSON; NULL: has not ended
        ) STRICT;
        CREATE INDEX jobs_by_owner ON jobs (owner, seq);
        CREATE INDEX jobs_unended ON jobs (seq) WHERE outcome IS NULL;
        PRAGMA user_version = 1;
        INSERT INTO jobs (id, owner, name, pid, started_at, spec, applied, ended_at, outcome) VALUES
        ('0199d3c4-5f2e-7a10-8c3b-2f6f1d9be001', 'anna', 'nightly', 41, 638900000000000000,
            '{"command":"/bin/sh","args":["-c","exit 3"],"env":{"A":"b"},"working_directory":"/tmp","name":"nightly","labels":{"team":"red","tier":"a=\"b\""},"limits":{"cpus":0.5},"grace_period":"00:00:05","allow_empty_args":false}',
            '{"cpus":0.5}', 638900000010000000,
            '{"ended_at":638900000010000000,"reason":"exited","code":3,"core_dumped":false,"usage":{"cpu_user":"00:00:00.0010000","memory":0},"stdout_bytes":1,"stderr_bytes":2}'),
        ('0199d3c4-5f2e-7a10-8c3b-2f6f1d9be002', 'bert', '', 42, 638900000020000000,
            '{"command":"sleep","args":["1000"],"env":{},"working_directory":"/","name":"","labels":{},"limits":{},"grace_period":"00:00:05","allow_empty_args":false}',
            '{}', 638900000030000000,
            '{"ended_at":638900000030000000,"reason":"stopped","signal":15,"core_dumped":false,"by":"anna","usage":{},"stdout_bytes":0,"stderr_bytes":0}'),
        ('0199d3c4-5f2e-7a10-8c3b-2f6f1d9be003', 'bert', '', 43, 638900000040000000,
            '{"command":"sleep","args":["1000"],"env":{},"working_directory":"/","name":"","labels":{},"limits":{},"grace_period":"00:00:05","allow_empty_args":false}',
            '{}', 638900000050000000,
            '{"ended_at":638900000050000000,"reason":"lost","core_dumped":false,"detail":"the server ended","usage":{},"stdout_bytes":0,"stderr_bytes":0}'),
        ('0199d3c4-5f2e-7a10-8c3b-2f6f1d9be004', 'anna', '', 44, 638900000060000000,
            '{"command":"sleep","args":["1000"],"env":{},"working_directory":"/","name":"","labels":{"team":"blue"},"limits":{},"grace_period":"00:00:05","allow_empty_args":false}',
            '{}', NULL, NULL);
        """;

    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.At("runner.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_the_first_release_stored_is_found_by_every_filter()
    {
        Execute(VersionOne);
        using var store = new SqliteJobStore(FilePath);
        (JobFilter Filter, string[] Found)[] rows =
        [
            (JobFilter.None, [Unended, Lost, Killed, Exited]),
            (new() { Running = true }, [Unended]), (new() { Running = false }, [Lost, Killed, Exited]),
            (new() { Reason = EndParts.Exited }, [Exited]), (new() { Reason = EndParts.Stopped }, [Killed]), (new() { Reason = EndParts.Lost }, [Lost]),
            (new() { ExitCode = 3 }, [Exited]), (new() { ExitCode = 143 }, [Killed]), (new() { ExitCode = 0 }, []), (new() { Failed = true }, [Lost, Killed, Exited]),
            (new() { Labels = [new("team", null)] }, [Unended, Exited]), (new() { Labels = [new("team", "red")] }, [Exited]), (new() { Labels = [new("tier", "a=\"b\"")] }, [Exited]),
            (new() { Name = "nightly" }, [Exited]), (new() { Owner = "bert" }, [Lost, Killed]),
            (new() { Reference = JobReference.Parse("pid:42") }, [Killed]), (new() { Reference = JobReference.Parse("0199d3c4-5f2e") }, [Unended, Lost, Killed, Exited]),
        ];
        Assert.All(rows, row => Assert.Equal(row.Found, store.List(row.Filter, null, 10).Records.Select(record => record.Id.ToString())));

        var exited = store.Find(JobId.Parse(Exited))!;
        Assert.Equal(new JobEnd.Exited(3), Assert.IsType<JobState.Ended>(exited.State).End);
        Assert.Equal(["team", "tier"], exited.Spec.Labels.Keys.Order());
        Assert.Equal((3, null, false), (((JobState.Ended)exited.State).StoredBytes, ((JobState.Ended)exited.State).PrunedAt, exited.Spec.Pinned));
        Assert.Equal([Exited], store.RemoveOutput([JobId.Parse(Exited), JobId.Parse(Killed), JobId.Parse(Unended)], DateTimeOffset.UtcNow).Select(id => id.ToString()));
        var (unended, _) = Assert.Single(store.Unended());
        store.RecordEnd(unended with { State = new JobState.Ended(DateTimeOffset.UtcNow, new JobEnd.Lost(""), ResourceUsage.None, 0, 0) });
        Assert.Equal([Unended, Lost], store.List(new() { Reason = EndParts.Lost }, null, 10).Records.Select(record => record.Id.ToString()));
    }

    [Fact]
    public void A_file_that_cannot_be_brought_up_stays_as_the_older_release_knows_it()
    {
        Execute(VersionOne + "CREATE TABLE labels (in_the_way TEXT);");
        Assert.Contains(FilePath, Assert.Throws<StoreException>(() => new SqliteJobStore(FilePath)).Message);
        Assert.Equal(1L, Execute("SELECT user_version FROM pragma_user_version"));
        Assert.Equal(10L, Execute("SELECT count(*) FROM pragma_table_info('jobs')"));
        Assert.Equal(4L, Execute("SELECT count(*) FROM jobs INDEXED BY jobs_by_owner WHERE owner IN ('anna', 'bert')"));
    }

    [Fact]
    public void A_file_of_a_newer_release_is_refused_and_left_alone()
    {
        Execute("PRAGMA user_version = 99");
        Assert.Contains("made by a newer runner (schema 99", Assert.Throws<StoreException>(() => new SqliteJobStore(FilePath)).Message);
        Assert.Equal(99L, Execute("SELECT user_version FROM pragma_user_version"));
    }

    private object? Execute(string text)
    {
        using var connection = new SqliteConnection($"Data Source={FilePath};Pooling=False");
        SQLitePCL.raw.SetProvider(new SQLitePCL.SQLite3Provider_e_sqlite3());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = text;
        return command.ExecuteScalar();
    }
}
