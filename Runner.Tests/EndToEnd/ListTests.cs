using System.Text.Json;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>`list` shows the jobs that its options ask for.</summary>
public sealed class ListTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Fact]
    public async Task Each_option_lets_through_what_it_says()
    {
        await server.AddClientAsync("will", "writer");
        var exited = await server.StartAsync("--name", "nightly", "--label", "set=list", "--label", "team=red", "--", "sh", "-c", "exit 3");
        var killed = await server.StartAsync("--label", "set=list", "--label", "team=blue", "--", "sh", "-c", "kill -9 $$");
        var running = await server.StartAsync("--label", "set=list", "--", "sleep", "1000");
        var wills = (await server.AsAsync("will", "start", "--label", "set=list", "--", "true")).Expect(0).Output.TrimEnd('\n');
        foreach (var job in new[] { exited, killed, wills }) await server.EndAsync(job);
        (string Options, string[] Jobs)[] rows =
        [
            ("", [wills, running, killed, exited]),
            ("--state running", [running]), ("--state ended", [wills, killed, exited]),
            ("--reason exited", [wills, exited]), ("--reason signaled", [killed]), ("--reason lost", []),
            ("--exit 3", [exited]), ("--exit 137", [killed]), ("--exit 0", [wills]), ("--exit nonzero", [killed, exited]),
            ("--label team", [killed, exited]), ("--label team=red", [exited]), ("-l team=green", []), ("--label team --label team=blue", [killed]),
            ("--name nightly", [exited]), ("--owner will", [wills]), ("--owner nobody", []),
            ("--since 1h", [wills, running, killed, exited]), ("--until 1h", []), ("--since 2026-01-01", [wills, running, killed, exited]),
            ("--since 2000-01-01T00:00:00Z --until 2000-01-02", []), ("--limit 2", [wills, running]), ("--all", [wills, running, killed, exited]),
        ];
        foreach (var (options, jobs) in rows)
        {
            var words = options.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var lines = (await server.RunnerAsync(["list", "--json", "--label", "set=list", .. words])).Expect(0).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal((options, string.Join(' ', jobs)), (options, string.Join(' ', lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetString()))));
        }
        Assert.Equal($"{wills}", (await server.AsAsync("will", "list", "--json")).Expect(0).Output.Split('"')[3]);
        Assert.Empty((await server.AsAsync("will", "list", "--json", "--owner", "admin")).Expect(0).Output);
        (await server.RunnerAsync("stop", running)).Expect(0);
    }

    [Fact]
    public async Task What_is_left_out_is_told_and_what_is_not_is_not()
    {
        for (var i = 0; i < 3; i++) await server.StartAsync("--name", "three", "--", "true");
        var two = (await server.RunnerAsync("list", "--name", "three", "-n", "2")).Expect(0);
        Assert.Equal("runner: these are the newest 2; --limit N shows more, --all shows all\n", two.Error);
        Assert.Equal(3, two.Output.TrimEnd('\n').Split('\n').Length);
        Assert.Empty((await server.RunnerAsync("list", "--name", "three", "-n", "3")).Expect(0).Error);
        Assert.Empty((await server.RunnerAsync("list", "--name", "three", "--all")).Expect(0).Error);
    }

    [Fact]
    public async Task A_list_has_columns_as_wide_as_they_need_to_be()
    {
        var job = await server.StartAsync("--name", "columns", "--", "true", "a b");
        await server.EndAsync(job);
        var lines = (await server.RunnerAsync("list", "--name", "columns")).Expect(0).Output.TrimEnd('\n').Split('\n');
        Assert.Equal("UUID                                  STATE     STARTED               OWNER  NAME     COMMAND", lines[0]);
        Assert.Matches($"^{job}  exited 0  [0-9-]+T[0-9:]+Z  admin  columns  true 'a b'$", lines[1]);
        Assert.Equal("UUID  STATE  STARTED  OWNER  COMMAND\n", (await server.RunnerAsync("list", "--name", "none")).Expect(0).Output);
    }
}
