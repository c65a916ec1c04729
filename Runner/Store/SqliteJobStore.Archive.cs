using System.Text.Json;
using Microsoft.Data.Sqlite;
using Runner.Jobs;

namespace Runner.Store;

/// <summary>The store's other side: what has ended, by when it did, and its removal.</summary>
sealed partial class SqliteJobStore : IJobArchive
{
    public void Pin(JobId id, bool pinned)
    {
        lock (_lock)
        {
            using var command = Command("UPDATE jobs SET pinned = $pinned WHERE id = $id");
            Set(command, "$id", id.ToString());
            Set(command, "$pinned", pinned);
            Run(command, id);
        }
    }

    public IReadOnlyList<StoredEnd> Ends(StoredEnd? before, int count)
    {
        lock (_lock)
        {
            // All of it stands in the index, so that no row is fetched.
            using var command = Command($"""
                SELECT seq, ended_at, pinned, stored_bytes FROM jobs INDEXED BY jobs_by_end
                WHERE ended_at IS NOT NULL {(before is null ? "" : "AND (ended_at, seq) < ($ended_at, $seq)")} ORDER BY ended_at DESC, seq DESC LIMIT $count
                """);
            Set(command, "$count", count);
            if (before is { } last)
            {
                Set(command, "$ended_at", Stamp.From(last.EndedAt));
                Set(command, "$seq", last.Seq);
            }
            return Read(command, row => new StoredEnd(row.GetInt64(0), Stamp.To(row.GetInt64(1)), row.GetBoolean(2), row.GetInt64(3)));
        }
    }

    public IReadOnlySet<long> Labelled(LabelFilter label)
    {
        lock (_lock)
        {
            using var command = Command("SELECT seq FROM labels WHERE term = $term");
            Set(command, "$term", JobQuery.Term(label));
            return Read(command, row => row.GetInt64(0)).ToHashSet();
        }
    }

    public JobRecord? Find(long seq)
    {
        lock (_lock)
        {
            using var command = Command($"SELECT {Columns} FROM jobs WHERE seq = $seq");
            Set(command, "$seq", seq);
            return Read(command, StoredJson.Record) is [var record] ? record : null;
        }
    }

    public IReadOnlyList<JobRecord> WithoutDigests()
    {
        lock (_lock)
        {
            using var command = Command($"SELECT {Columns} FROM jobs WHERE digest_due <> 0");
            return Read(command, StoredJson.Record);
        }
    }

    public bool RecordDigests(JobRecord record)
    {
        lock (_lock)
        {
            // Of the job that they were due of: the id may be another's by now.
            using var command = Command("UPDATE jobs SET outcome = $outcome, digest_due = 0 WHERE id = $id AND digest_due <> 0 RETURNING seq");
            Set(command, "$id", record.Id.ToString());
            Set(command, "$outcome", StoredJson.Outcome((JobState.Ended)record.State));
            return Read(command, row => row.GetInt64(0)).Count == 1;
        }
    }

    public IReadOnlyList<JobId> Remove(IReadOnlyList<JobId> ids, bool pinnedToo = false) =>
        OfThese($"DELETE FROM jobs WHERE id IN (SELECT value FROM json_each($ids)) AND outcome IS NOT NULL{(pinnedToo ? "" : " AND NOT pinned")} RETURNING id", ids);

    public IReadOnlyList<JobId> RemoveOutput(IReadOnlyList<JobId> ids, DateTimeOffset at, bool pinnedToo = false) => OfThese(
        $"UPDATE jobs SET pruned_at = $at, stored_bytes = 0, digest_due = 0 WHERE id IN (SELECT value FROM json_each($ids)) AND outcome IS NOT NULL AND stored_bytes > 0{(pinnedToo ? "" : " AND NOT pinned")} RETURNING id", ids, at);

    public IReadOnlyList<JobId> Leftovers() => OfThese("SELECT id FROM removed", []);

    public void Forget(IReadOnlyList<JobId> ids) => OfThese("DELETE FROM removed WHERE id IN (SELECT value FROM json_each($ids)) RETURNING id", ids);

    private List<JobId> OfThese(string text, IReadOnlyList<JobId> ids, DateTimeOffset at = default)
    {
        lock (_lock)
        {
            using var command = Command(text);
            Set(command, "$ids", JsonSerializer.Serialize([.. ids.Select(id => id.ToString())], StoredJsonContext.Default.StringArray));
            Set(command, "$at", Stamp.From(at));
            return Read(command, row => JobId.Parse(row.GetString(0)));
        }
    }
}
