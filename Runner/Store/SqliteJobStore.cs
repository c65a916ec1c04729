using Microsoft.Data.Sqlite;
using Runner.Jobs;

namespace Runner.Store;

/// <summary>Records in one SQLite file, <c>runner.db</c>. A method that has returned is on the disk (WAL, synchronous=FULL).</summary>
sealed partial class SqliteJobStore : IJobStore, IDisposable
{
    // Well below the 4 MiB that a client takes in one answer. What is stored of a job is no shorter than what is told of it,
    // but for the few hundred bytes that every job has.
    private const int MostPageText = 1024 * 1024;
    private const int UsualText = 512;

    private const string Columns =
        "jobs.seq, jobs.id, jobs.owner, jobs.pid, jobs.started_at, jobs.spec, jobs.applied, jobs.outcome, length(jobs.spec) + ifnull(length(jobs.outcome), 0), jobs.pinned, jobs.stored_bytes, jobs.pruned_at, jobs.digest_due";

    private readonly Lock _lock = new();
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _insert;
    private readonly SqliteCommand _recordEnd;
    private readonly SqliteCommand _recordEnding;
    private readonly SqliteCommand _find;
    private readonly SqliteCommand _place;
    private readonly SqliteCommand _unended;

    /// <param name="path">The file; made if it is not there.</param>
    /// <exception cref="StoreException">It cannot be opened, is damaged, or is of a newer version.</exception>
    public SqliteJobStore(string path)
    {
        SQLitePCL.raw.SetProvider(new SQLitePCL.SQLite3Provider_e_sqlite3());
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 1 }.ToString());
        try
        {
            CheckLog(path);
            _connection.Open();
            Prepare(path);
            _insert = Command(
                "INSERT INTO jobs (id, owner, name, pid, started_at, spec, applied, pinned) VALUES ($id, $owner, $name, $pid, $started_at, $spec, $applied, $pinned)");
            _recordEnd = Command(
                "UPDATE jobs SET ended_at = $ended_at, outcome = $outcome, reason = $reason, exit_code = $exit_code, stored_bytes = $stored_bytes, digest_due = $digest_due WHERE id = $id AND outcome IS NULL");
            _find = Command($"SELECT {Columns} FROM jobs WHERE id = $id");
            _place = Command("SELECT started_at, seq FROM jobs WHERE id = $id");
            _recordEnding = Command("UPDATE jobs SET ending = $ending WHERE id = $id AND outcome IS NULL");
            _unended = Command($"SELECT {Columns}, jobs.ending FROM jobs WHERE outcome IS NULL");
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
            Set(_insert, "$pinned", record.Pinned);
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
            var parts = EndParts.Of(ended.End);
            Set(_recordEnd, "$reason", parts.Reason);
            Set(_recordEnd, "$exit_code", (object?)parts.ExitCode ?? DBNull.Value);
            Set(_recordEnd, "$stored_bytes", ended.StoredBytes);
            Set(_recordEnd, "$digest_due", ended.IsDigestDue);
            Run(_recordEnd, record.Id);
        }
    }

    public JobRecord? Find(JobId id)
    {
        lock (_lock)
        {
            Set(_find, "$id", id.ToString());
            return Read(_find, StoredJson.Record) is [var record] ? record : null;
        }
    }

    public JobPage List(JobFilter filter, JobPlace? before, int count)
    {
        lock (_lock)
        {
            (long, long)? place = null;
            if (before is { } last) place = (last.Id is { } id ? Place(id) : null) ?? (Stamp.From(last.StartedAt), 0);
            using var command = new JobQuery(_connection, filter).ToCommand(Columns, place, count + 1); // one more tells whether there is a next page
            return Page(command, count);
        }
    }

    public void RecordEnding(JobId id, EndingPlan plan)
    {
        lock (_lock)
        {
            Set(_recordEnding, "$id", id.ToString());
            Set(_recordEnding, "$ending", StoredJson.Ending(plan));
            Run(_recordEnding, id);
        }
    }

    public IReadOnlyList<(JobRecord Record, EndingPlan? Ending)> Unended()
    {
        lock (_lock) return Read(_unended, row => (StoredJson.Record(row), row.IsDBNull(13) ? null : StoredJson.Ending(row.GetString(13))));
    }

    /// <summary>The server that used this file last. Null: none that told of itself.</summary>
    public ServerLife? LastLife()
    {
        using var query = Command("SELECT boot_id, had_keeper FROM life");
        lock (_lock) return Read(query, row => new ServerLife(row.GetString(0), row.GetBoolean(1))) is [var life] ? life : null;
    }

    /// <summary>Once what a former server left is recorded: from now on this server is the last one.</summary>
    public void BeginLife(ServerLife life)
    {
        // One that comes back on a full disk needs no room for what is written already.
        if (LastLife() == life) return;
        using var command = Command("INSERT OR REPLACE INTO life VALUES (1, $boot_id, $had_keeper)");
        Set(command, "$boot_id", life.BootId);
        Set(command, "$had_keeper", life.HadKeeper);
        try
        {
            lock (_lock) command.ExecuteNonQuery();
        }
        catch (SqliteException e)
        {
            throw new StoreException($"state database: {e.Message}", e);
        }
    }

    public void Dispose()
    {
        foreach (var command in new[] { _insert, _recordEnd, _recordEnding, _find, _place, _unended }) command.Dispose();
        _connection.Dispose();
    }

    private static string Describe(SqliteException e) => e.SqliteErrorCode switch
    {
        SQLitePCL.raw.SQLITE_BUSY => "another runner serve is using it",
        SQLitePCL.raw.SQLITE_NOTADB or SQLitePCL.raw.SQLITE_CORRUPT => Damaged(e.Message),
        _ => e.Message,
    };

    private static string Damaged(string problem) =>
        $"it is damaged ({problem}) and was left as it is; put a good copy in its place, or move it aside, with its -wal if there is one, to begin with no records";

    private void SetCheckpointOnClose(bool on)
    {
        const int NoCheckpointOnClose = 1006; // SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE
        _ = SQLitePCL.raw.sqlite3_db_config(_connection.Handle!, NoCheckpointOnClose, on ? 0 : 1, out _);
    }

    /// <summary>What is in the log has not come to the database yet, and SQLite deletes a log that has none.</summary>
    private static void CheckLog(string path)
    {
        var log = new FileInfo($"{path}-wal");
        if (log is { Exists: true, Length: > 0 } && new FileInfo(path) is not { Exists: true, Length: > 0 })
            throw new StoreException($"state database {path}: it is gone, but {log.Name} is there with records of it; put the database back, or move {log.Name} aside to begin with no records");
    }

    /// <summary>Nothing is written to a damaged file, so that whoever mends it finds all there was.</summary>
    /// <exception cref="StoreException">It is damaged.</exception>
    private void CheckWhole(string path)
    {
        // Its structure, not each value: 1 ms for 1000 jobs.
        using var check = Command("PRAGMA quick_check(1)");
        if (check.ExecuteScalar() is string problem and not "ok")
            throw new StoreException($"state database {path}: {Damaged(problem.ReplaceLineEndings(" "))}");
    }

    /// <summary>
    /// What a killed server could not bring to the disk is in memory still, where SQLite finds it and the kernel counts it as written
    /// (fsync(2)): a power cut would take it back. So it is written over itself and synced before anything of it is told, or comes to the
    /// database by a checkpoint, which a power cut would then leave half done.
    /// </summary>
    private static void MakeLogDurable(string path)
    {
        const int NoSpace = 28; // ENOSPC, which the platform hands on as it is

        // Not so the database: POSIX locks of the whole process go with the first descriptor that is closed (fcntl(2)). Its pages
        // are in the log, which SQLite begins anew only once they are on the disk, and goes through whole after a crash.
        var log = $"{path}-wal";
        if (new FileInfo(log) is not { Exists: true, Length: > 0 }) return;

        // Each write waits for the disk and tells what came of it (O_SYNC, open(2)); RandomAccess.FlushToDisk keeps EIO to itself.
        using var file = File.OpenHandle(log, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, FileOptions.WriteThrough);
        var part = new byte[1024 * 1024];
        long at = 0;
        try
        {
            for (int read; (read = RandomAccess.Read(file, part, at)) > 0; at += read) RandomAccess.Write(file, part.AsSpan(0, read), at);
        }
        catch (IOException e) when (e.HResult is NoSpace)
        {
            // Where files are never written over in place (btrfs, ZFS) there may be no room: a server comes back on a full disk all the same.
        }
    }

    private void Prepare(string path)
    {
        SetCheckpointOnClose(false);
        Execute("PRAGMA locking_mode = EXCLUSIVE"); // one server a state directory: a second one is refused here
        CheckWhole(path);
        MakeLogDurable(path);
        SetCheckpointOnClose(true);
        Execute("PRAGMA journal_mode = WAL");
        Execute("PRAGMA synchronous = FULL");
        Schema.Prepare(_connection, path);
    }

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

    // What failed to be synced is no part of the log as this connection has it: the next commit is written over it (sqlite3WalFrames).
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

    /// <summary>Where a job stands in the list; null: there is none.</summary>
    private (long StartedAt, long Seq)? Place(JobId id)
    {
        Set(_place, "$id", id.ToString());
        try
        {
            using var reader = _place.ExecuteReader();
            return reader.Read() ? (reader.GetInt64(0), reader.GetInt64(1)) : null;
        }
        catch (SqliteException e)
        {
            throw new StoreException($"state database: {e.Message}", e);
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
                if (records.Count == count || (records.Count > 0 && text > MostPageText)) return new(records, new(records[^1].Id, records[^1].StartedAt));
                records.Add(StoredJson.Record(reader));
            }
        }
        catch (SqliteException e)
        {
            throw new StoreException($"state database: {e.Message}", e);
        }
        return new(records, null);
    }

    private static List<T> Read<T>(SqliteCommand command, Func<SqliteDataReader, T> read)
    {
        var rows = new List<T>();
        try
        {
            using var reader = command.ExecuteReader();
            while (reader.Read()) rows.Add(read(reader));
        }
        catch (SqliteException e)
        {
            throw new StoreException($"state database: {e.Message}", e);
        }
        return rows;
    }
}
