using Microsoft.Data.Sqlite;
using Runner.Store;

namespace Runner.Tests.Store;

/// <summary>A store with as many records as a server has after years, made in a second.</summary>
static class ManyRecords
{
    // One second apart. Owners, names, labels and ends are spread so that each is had by many and each has one that is rare.
    private const string Fill = """
        WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $count - 1)
        INSERT INTO jobs (id, owner, name, pid, started_at, spec, applied, ended_at, outcome, reason, exit_code)
        SELECT
            printf('0199%04x-%04x-7%03x-8c3b-%012x', i >> 16, i & 65535, i & 4095, i), iif(i % 3, 'anna', 'bert'), iif(i % 10, '', 'nightly'), 1000 + i % 30000,
            638000000000000000 + i * 10000000,
            json_object('command', '/bin/sh', 'args', json_array('-c', 'make -j test'), 'env', json('{}'), 'name', iif(i % 10, '', 'nightly'), 'working_directory', '/', 'limits', json('{}'),
                'labels', json(iif(i % 4, '{}', '{"team":"red"}')), 'grace_period', '00:00:05'),
            '{}', 638000000000000000 + i * 10000000 + 5,
            json_object('ended_at', 638000000000000000 + i * 10000000 + 5, 'reason', iif(i % 50, 'exited', 'lost'), 'code', iif(i % 50, iif(i % 20, 0, 1), NULL),
                'core_dumped', json('false'), 'detail', '', 'usage', json_object('memory', 0), 'stdout_bytes', 1, 'stderr_bytes', 0),
            iif(i % 50, 'exited', 'lost'), iif(i % 50, iif(i % 20, 0, 1), NULL)
        FROM n
        """;

    public static void Make(string path, int count)
    {
        using (new SqliteJobStore(path)) { }
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = Fill;
        command.Parameters.AddWithValue("$count", count);
        command.ExecuteNonQuery();
    }
}
