using System.Text.Json;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>What has ended is removed by hand and by the server's own rules, whatever happens meanwhile.</summary>
public sealed class RemovalTests : IAsyncLifetime
{
    private readonly LiveServer _server = new();

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Jobs_are_pinned_pruned_and_removed_from_the_terminal()
    {
        var jobs = new List<string>();
        foreach (var team in new[] { "red", "red", "blue" })
        {
            jobs.Add(await _server.StartAsync("--label", $"team={team}", "--name", $"{team}-{jobs.Count}", "--", "echo", "hello"));
            await _server.EndAsync(jobs[^1]);
        }
        var running = await _server.StartAsync("--label", "team=red", "--", "sleep", "1000");
        (await _server.RunnerAsync("rm", running)).ExpectRefusal(1, $"job {running}: still runs; stop it first");
        Assert.True(JsonDocument.Parse((await _server.RunnerAsync("pin", "--json", "red-0")).Expect(0).Output).RootElement.GetProperty("pinned").GetBoolean());
        Assert.Contains("pinned   kept until", (await _server.RunnerAsync("status", jobs[0])).Expect(0).Output, StringComparison.Ordinal);
        Assert.Contains(jobs[0], (await _server.RunnerAsync("list", "--pinned", "--json")).Expect(0).Output, StringComparison.Ordinal);

        (await _server.RunnerAsync("prune")).ExpectRefusal(2, "prune: say which jobs, such as --older-than 7d");
        (await _server.RunnerAsync("prune", "--pinned", "--older-than", "0")).ExpectRefusal(2, "--pinned: pinned jobs stay");
        (await _server.RunnerAsync("prune", "--state", "running")).ExpectRefusal(2, "--state running: must be ended, as only ended jobs can be removed");
        Assert.Equal("removed 0 jobs, 0 B of output\n", (await _server.RunnerAsync("prune", "--older-than", "1h")).Expect(0).Output);
        Assert.Equal("would remove 1 job, 30 B of output\n", (await _server.RunnerAsync("prune", "--label", "team=red", "--dry-run")).Expect(0).Output);
        Assert.Equal("{\"jobs\":1,\"bytes\":30,\"skipped\":0,\"dry_run\":false}\n", (await _server.RunnerAsync("prune", "--label", "team=red", "--json")).Expect(0).Output);
        (await _server.RunnerAsync("status", jobs[1])).ExpectRefusal(127, $"no job {jobs[1]}");
        Assert.Equal("hello\n", (await _server.RunnerAsync("logs", jobs[0])).Expect(0).Output);

        (await _server.RunnerAsync("unpin", jobs[0])).Expect(0);
        Assert.Equal($"{{\"id\":\"{jobs[0]}\",\"bytes\":30}}\n{{\"id\":\"{jobs[2]}\",\"bytes\":30}}\n", (await _server.RunnerAsync("rm", "--json", jobs[0], "blue-2")).Expect(0).Output);
        (await _server.RunnerAsync("stop", running)).Expect(0);
        Assert.Equal("removed 1 job, 0 B of output\n", (await _server.RunnerAsync("prune", "--older-than", "0")).Expect(0).Output);
        Assert.Empty(Directory.GetDirectories(Path.Combine(_server.State, "jobs")));
    }

    [Fact]
    public async Task A_servers_own_rules_hold_from_its_start_and_what_a_killed_one_left_is_swept_away()
    {
        var old = await _server.StartAsync("--", "echo", "old");
        var red = await _server.StartAsync("--label", "team=red", "--", "echo", "red");
        await Task.WhenAll(_server.EndAsync(old), _server.EndAsync(red));
        await _server.CrashAsync();
        var orphan = Directory.CreateDirectory(Path.Combine(_server.State, "jobs", Guid.CreateVersion7().ToString())).FullName;
        await File.WriteAllTextAsync(Path.Combine(orphan, "stdout"), "left", TestContext.Current.CancellationToken);
        using (var file = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(_server.State, "runner.db")};Pooling=False"))
        {
            SQLitePCL.raw.SetProvider(new SQLitePCL.SQLite3Provider_e_sqlite3());
            file.Open();
            using var write = file.CreateCommand();
            write.CommandText = "INSERT INTO removed VALUES ($id)"; // it was killed after this
            write.Parameters.AddWithValue("$id", Path.GetFileName(orphan));
            Assert.Equal(1, write.ExecuteNonQuery());
        }
        await _server.ServeAsync("--keep-for", "0", "--keep-for", "team=red:1h", "--keep-jobs", "10", "--keep-jobs", "team=red:5", "--keep-output", "team=red:1G");
        for (var i = 0; Directory.Exists(orphan) || Directory.Exists(Path.Combine(_server.State, "jobs", old)); i++)
        {
            Assert.InRange(i, 0, 1500);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
        (await _server.RunnerAsync("status", old)).ExpectRefusal(127, $"no job {old}");
        Assert.Equal("red\n", (await _server.RunnerAsync("logs", red)).Expect(0).Output);
    }

    [Theory]
    [InlineData("--keep-for", "x", "--keep-for x: must be a time such as 500ms, 5s, 2m or 1h")]
    [InlineData("--keep-for", "te am:1h", "--keep-for te am:1h: must be")]
    [InlineData("--keep-for", "team=red:", "--keep-for : must be a time")]
    [InlineData("--keep-jobs", "-1", "--keep-jobs -1: must be a number of 0 or more")]
    [InlineData("--keep-jobs", "team=red:many", "--keep-jobs many: must be a number of 0 or more")]
    [InlineData("--keep-output", "te am:1G", "--keep-output te am:1G: must be")]
    [InlineData("--keep-output", "much", "--keep-output much: must be a size such as")]
    [InlineData("--disk-reserve", "-1", "--disk-reserve -1: must be a size such as")]
    public async Task What_cannot_be_kept_by_is_refused(string option, string value, string words) =>
        (await RunnerBinary.RunAsync(["serve", $"{option}={value}"])).ExpectRefusal(2, words);
}
