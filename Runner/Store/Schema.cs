using Microsoft.Data.Sqlite;
using Runner.Jobs;

namespace Runner.Store;

/// <summary>The tables, version by version. A new file goes through all of them, an old one through those it lacks.</summary>
static class Schema
{
    /// <summary>Brings the file to the newest version; a step that fails leaves it at the version it had.</summary>
    /// <exception cref="StoreException">It is of a newer version.</exception>
    public static void Prepare(SqliteConnection connection, string path)
    {
        using var query = connection.CreateCommand();
        query.CommandText = "PRAGMA user_version";
        var version = (long)query.ExecuteScalar()!;
        if (version > s_steps.Length)
            throw new StoreException($"state database {path}: made by a newer runner (schema {version}, this one knows {s_steps.Length}); use that one");
        for (; version < s_steps.Length; version++)
        {
            // Each by itself: of several in one command the library loses the errors after one that has a result, as
            // ALTER TABLE has on a strict table. What fails is undone when the connection is closed.
            string[] statements = ["BEGIN", .. s_steps[version], $"PRAGMA user_version = {version + 1}", "COMMIT"];
            foreach (var statement in statements)
            {
                using var command = connection.CreateCommand();
                command.CommandText = statement;
                command.ExecuteNonQuery();
            }
        }
    }

    private static readonly string[] s_first =
    [
        """
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
        ) STRICT
        """,
        "CREATE INDEX jobs_by_owner ON jobs (owner, seq)",
        "CREATE INDEX jobs_unended ON jobs (seq) WHERE outcome IS NULL",
    ];

    // Every index is in the order of the list, (started_at, seq), once what it is for is given. Those about the end and
    // about names hold only jobs that have one, so that a start writes to few.
    private static readonly string[] s_second =
    [
        "ALTER TABLE jobs ADD COLUMN reason TEXT",        // as in the outcome
        "ALTER TABLE jobs ADD COLUMN exit_code INTEGER",  // as shells tell it; NULL: not ended, or nobody knows
        """
        UPDATE jobs SET reason = json_extract(outcome, '$.reason'), exit_code = coalesce(json_extract(outcome, '$.code'), 128 + json_extract(outcome, '$.signal'))
            WHERE outcome IS NOT NULL
        """,
        """
        CREATE TABLE labels (
            term       TEXT NOT NULL,        -- a label twice: as "key" and as "key=value"
            started_at INTEGER NOT NULL,     -- of the job
            seq        INTEGER NOT NULL,     -- of the job
            PRIMARY KEY (term, started_at, seq)
        ) STRICT, WITHOUT ROWID
        """,
        "INSERT INTO labels SELECT label.key, started_at, seq FROM jobs, json_each(spec, '$.labels') AS label",
        "INSERT INTO labels SELECT label.key || '=' || label.value, started_at, seq FROM jobs, json_each(spec, '$.labels') AS label",

        // With the job or not at all, and in its one write to the disk.
        """
        CREATE TRIGGER jobs_have_labels AFTER INSERT ON jobs BEGIN
            INSERT INTO labels SELECT key, new.started_at, new.seq FROM json_each(new.spec, '$.labels');
            INSERT INTO labels SELECT key || '=' || value, new.started_at, new.seq FROM json_each(new.spec, '$.labels');
        END
        """,
        "DROP INDEX jobs_by_owner",
        "DROP INDEX jobs_unended",
        "CREATE INDEX jobs_by_start ON jobs (started_at)",
        "CREATE INDEX jobs_by_owner ON jobs (owner, started_at)",
        "CREATE INDEX jobs_by_pid ON jobs (pid, started_at)",
        "CREATE INDEX jobs_by_name ON jobs (name, started_at) WHERE name <> ''",
        "CREATE INDEX jobs_by_reason ON jobs (reason, started_at) WHERE reason IS NOT NULL",
        "CREATE INDEX jobs_by_exit_code ON jobs (exit_code, started_at) WHERE exit_code IS NOT NULL",
        "CREATE INDEX jobs_failed ON jobs (started_at) WHERE outcome IS NOT NULL AND exit_code IS NOT 0",
        "CREATE INDEX jobs_unended ON jobs (started_at) WHERE outcome IS NULL",
    ];

    private static readonly string[] s_third =
    [
        "ALTER TABLE jobs ADD COLUMN ending TEXT",        // JSON; NULL: was not told to end
    ];

    private static readonly string[] s_fourth =
    [
        """
        CREATE TABLE life (                  -- of the server that wrote last; one row
            id         INTEGER PRIMARY KEY CHECK (id = 1),
            boot_id    TEXT NOT NULL,        -- of the machine
            had_keeper INTEGER NOT NULL
        ) STRICT
        """,
    ];

    private static readonly string[] s_fifth =
    [
        "ALTER TABLE jobs ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0", // of output and index, once it has ended
        """
        UPDATE jobs SET stored_bytes = coalesce(json_extract(outcome, '$.stdout_bytes'), 0) + coalesce(json_extract(outcome, '$.stderr_bytes'), 0)
            WHERE outcome IS NOT NULL
        """,
        "CREATE INDEX jobs_by_end ON jobs (ended_at, pinned, stored_bytes) WHERE ended_at IS NOT NULL", // all that retention goes by
        "CREATE INDEX jobs_pinned ON jobs (started_at) WHERE pinned <> 0",
        "CREATE TABLE removed (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID", // jobs whose output is still to go
        "CREATE TRIGGER jobs_leave_output AFTER DELETE ON jobs BEGIN INSERT OR IGNORE INTO removed VALUES (old.id); END",
        """
        CREATE TRIGGER jobs_take_labels_along AFTER DELETE ON jobs BEGIN
            DELETE FROM labels WHERE started_at = old.started_at AND seq = old.seq
                AND term IN (SELECT key FROM json_each(old.spec, '$.labels') UNION ALL SELECT key || '=' || value FROM json_each(old.spec, '$.labels'));
        END
        """,
    ];

    private static readonly string[] s_sixth =
    [
        "ALTER TABLE jobs ADD COLUMN pruned_at INTEGER",  // when its output was removed, so that stored_bytes is 0; NULL: it was not
        "CREATE INDEX jobs_with_output ON jobs (started_at) WHERE stored_bytes > 0",
        "CREATE TRIGGER jobs_leave_pruned_output AFTER UPDATE OF pruned_at ON jobs BEGIN INSERT OR IGNORE INTO removed VALUES (new.id); END",
    ];

    private static readonly string[] s_seventh =
    [
        "ALTER TABLE jobs ADD COLUMN digest_due INTEGER NOT NULL DEFAULT 0", // its end was recorded without the digests of its output
        "CREATE INDEX jobs_digest_due ON jobs (started_at) WHERE digest_due <> 0",
    ];

    private static readonly string[][] s_steps = [s_first, s_second, s_third, s_fourth, s_fifth, s_sixth, s_seventh];
}
