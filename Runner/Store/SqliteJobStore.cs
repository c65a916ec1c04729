using Microsoft.Data.Sqlite;
using Runner.Jobs;

namespace Runner.Store;

/// <summary>Records in one SQLite file, <c>runner.db</c>. A method that has returned is on the disk (WAL, synchronous=FULL).</summary>
sealed class SqliteJobStore : IJobStore, IDisposable
{
    private const int SchemaVersion = 1;

    // Well below the 4 MiB that a client takes in one answer. What is stored of a job is no shorter than what is told of it,
    // but for the few hundred bytes that every job has.
    private const int MostPageText = 1024 * 1024;
    private const int UsualText = 512;

    private const string Columns = "seq, id, owner, pid, started_at, spec, applied, outcome, length(spec) + ifnull(length(outcome), 0)";

    private const string Before = "seq < coalesce((SELECT seq FROM jobs WHERE id = $before), 9223372036854775807)";

    private readonly Lock _lock = new();
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _insert;
    private readonly SqliteCommand _recordEnd;
    private readonly SqliteCommand _find;
    private readonly SqliteCommand _listAll;
    private readonly SqliteCommand _listOwn;
    private readonly SqliteCommand _unended;

    /// <param name="path">The file; made if it is not there.</param>
    /// <exception cref="StoreException">It cannot be opened, is damaged, or is of a newer version.</exception>
    public SqliteJobStore(string path)
    {
        SQLitePCL.raw.SetProvider(new SQLitePCL.SQLite3Provider_e_sqlite3());
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 1 }.ToString());
        try
        {
            _connection.Open();
            Prepare(path);
            _insert = Command(
                "INSERT INTO jobs (id, owner, name, pid, started_at, spec, applied) VALUES ($id, $owner, $name, $pid, $started_at, $spec, $applied)");
            _recordEnd = Command("UPDATE jobs SET ended_at = $ended_at, outcome = $outcome WHERE id = $id AND outcome IS NULL");
            _find = Command($"SELECT {Columns} FROM jobs WHERE id = $id");
            _listAll = Command($"SELECT {Columns} FROM jobs WHERE {Before} ORDER BY seq DESC LIMIT $count");
            _listOwn = Command($"SELECT {Columns} FROM jobs WHERE owner = $owner AND {Before} ORDER BY seq DESC LIMIT $count");
            _unended = Command($"SELECT {Columns} FROM jobs WHERE outcome IS NULL");
        }
        catch (SqliteException e)
        {
            _connection.Dispose();
            throw new StoreException($"state database {path}: {Describe(e)}", e);
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    public void Insert(JobRecord record)
    {
        lock (_lock)
        {
            Set(_insert, "$id", record.Id.ToString());
            Set(_insert, "$owner", record.Owner);
            Set(_insert, "$name", record.Spec.Name);
            Set(_insert, "$pid", record.Pid);
            Set(_insert, "$started_at", Stamp.From(record.StartedAt));
            Set(_insert, "$spec", StoredJson.Spec(record.Spec));
            Set(_insert, "$applied", StoredJson.Limits(record.Applied));
            Run(_insert, record.Id);
        }
    }

    public void RecordEnd(JobRecord record)
    {
        var ended = (JobState.Ended)record.State;
        lock (_lock)
        {
            Set(_recordEnd, "$id", record.Id.ToString());
            Set(_recordEnd, "$ended_at", Stamp.From(ended.EndedAt));
            Set(_recordEnd, "$outcome", StoredJson.Outcome(ended));
            Run(_recordEnd, record.Id);
        }
    }

    public JobRecord? Find(JobId id)
    {
        lock (_lock)
        {
            Set(_find, "$id", id.ToString());
            return Read(_find) is [var (_, record)] ? record : null;
        }
    }

    public JobPage List(string? owner, JobId? before, int count)
    {
        var command = owner is null ? _listAll : _listOwn;
        lock (_lock)
        {
            if (owner is not null) Set(command, "$owner", owner);
            Set(command, "$before", before?.ToString() ?? "");
            Set(command, "$count", count + 1); // one more tells whether there is a next page
            return Page(command, count);
        }
    }

    public IReadOnlyList<JobRecord> Unended()
    {
        lock (_lock) return [.. Read(_unended).Select(row => row.Record)];
    }

    public void Dispose()
    {
        foreach (var command in new[] { _insert, _recordEnd, _find, _listAll, _listOwn, _unended }) command.Dispose();
        _connection.Dispose();
    }

    private static string Describe(SqliteException e) => e.SqliteErrorCode switch
    {
        SQLitePCL.raw.SQLITE_BUSY => "another runner serve is using it",
        SQLitePCL.raw.SQLITE_NOTADB or SQLitePCL.raw.SQLITE_CORRUPT => $"it is damaged ({e.Message}); put it aside, or a good copy in its place",
        _ => e.Message,
    };

    private void Prepare(string path)
    {
        Execute("PRAGMA locking_mode = EXCLUSIVE"); // one server a state directory: a second one is refused here
        Execute("PRAGMA journal_mode = WAL");
        Execute("PRAGMA synchronous = FULL");
        using var query = Command("PRAGMA user_version");
        var version = (long)query.ExecuteScalar()!;
        if (version > SchemaVersion)
            throw new StoreException($"state database {path}: made by a newer runner (schema {version}, this one knows {SchemaVersion}); use that one");
        if (version == 0) Execute(Schema);
    }

    private const string Schema = """
        BEGIN;
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
        COMMIT;
        """;

    private SqliteCommand Command(string text)
    {
        var command = _connection.CreateCommand();
        command.CommandText = text;
        return command;
    }

    private void Execute(string text)
    {
        using var command = Command(text);
        command.ExecuteNonQuery();
    }

    private static void Set(SqliteCommand command, string name, object value)
    {
        if (command.Parameters.Contains(name)) command.Parameters[name].Value = value;
        else command.Parameters.AddWithValue(name, value);
    }

    private static void Run(SqliteCommand command, JobId id)
    {
        try
        {
            if (command.ExecuteNonQuery() != 1) throw new StoreException($"job {id}: not there, or its end is recorded already");
        }
        catch (SqliteException e)
        {
            throw new StoreException($"job {id}: could not be stored: {e.Message}", e) { IsFull = e.SqliteErrorCode == SQLitePCL.raw.SQLITE_FULL };
        }
    }

    /// <summary>What fits on a page; rows past that are not read. One job is on it in any case, or the list would end there for ever.</summary>
    private static JobPage Page(SqliteCommand command, int count)
    {
        var records = new List<JobRecord>();
        var text = 0L;
        try
        {
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                text += UsualText + reader.GetInt64(8);
                if (records.Count == count || (records.Count > 0 && text > MostPageText)) return new(records, records[^1].Id);
                records.Add(StoredJson.Record(reader));
            }
        }
        catch (SqliteException e)
        {
            throw new StoreException($"state database: {e.Message}", e);
        }
        return new(records, null);
    }

    private static List<(long Seq, JobRecord Record)> Read(SqliteCommand command)
    {
        var rows = new List<(long, JobRecord)>();
        try
        {
            using var reader = command.ExecuteReader();
            while (reader.Read()) rows.Add((reader.GetInt64(0), StoredJson.Record(reader)));
        }
        catch (SqliteException e)
        {
            throw new StoreException($"state database: {e.Message}", e);
        }
        return rows;
    }
}
