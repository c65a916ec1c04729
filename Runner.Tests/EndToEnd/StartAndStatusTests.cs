using System.Text.Json;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

public sealed class StartAndStatusTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Fact]
    public async Task Start_prints_the_uuid_and_nothing_else()
    {
        var ran = (await server.RunnerAsync("start", "--", "true")).Expect(0);
        Assert.Matches("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$", ran.Output);
        Assert.Empty(ran.Error);
    }

    [Fact]
    public async Task A_running_job_says_running_and_has_no_end()
    {
        var job = await server.StartAsync("--", "sleep", "1000");
        var status = await server.StatusAsync(job);
        Assert.Equal("running", status.GetProperty("state").GetString());
        Assert.False(status.TryGetProperty("end", out _));
        Assert.True(Directory.Exists($"/proc/{status.GetProperty("pid").GetInt32()}"));
        (await server.RunnerAsync("stop", job)).Expect(0);
    }

    [Theory, InlineData(0), InlineData(3), InlineData(255)]
    public async Task A_job_that_exits_ends_as_exited_with_its_code(int code)
    {
        var end = (await server.EndAsync(await server.ShellAsync($"exit {code}"))).GetProperty("end");
        Assert.Equal("exited", end.GetProperty("reason").GetString());
        Assert.Equal(code, end.GetProperty("code").GetInt32());
        Assert.False(end.TryGetProperty("signal", out _));
    }

    [Theory, InlineData(9), InlineData(15), InlineData(6)]
    public async Task A_job_that_a_signal_ends_says_which(int signal)
    {
        var end = (await server.EndAsync(await server.ShellAsync($"kill -{signal} $$"))).GetProperty("end");
        Assert.Equal("signaled", end.GetProperty("reason").GetString());
        Assert.Equal(signal, end.GetProperty("signal").GetInt32());
        Assert.False(end.TryGetProperty("code", out _));
    }

    [Fact]
    public async Task Status_tells_what_was_asked_for_and_who_asked()
    {
        var job = await server.StartAsync(
            "--name", "nightly", "--label", "team=blue", "--env", "A=b=c", "--cwd", "/tmp", "--grace", "7s",
            "--cpu", "0.5", "--memory", "64M", "--pids", "10", "--cpu-weight", "50", "--swap", "8M", "--", "printf", "%s", "-f", "--", "@file");
        var status = await server.EndAsync(job);
        Assert.Equal(job, Text(status, "id"));
        Assert.Equal("nightly", Text(status, "name"));
        Assert.Equal("admin", Text(status, "owner"));
        Assert.Equal("printf", Text(status, "command"));
        Assert.Equal(["%s", "-f", "--", "@file"], status.GetProperty("args").EnumerateArray().Select(arg => arg.GetString()!));
        Assert.Equal("blue", status.GetProperty("labels").GetProperty("team").GetString());
        Assert.Equal("b=c", status.GetProperty("env").GetProperty("A").GetString());
        Assert.Equal("/tmp", Text(status, "working_directory"));
        Assert.Equal(7, status.GetProperty("grace_seconds").GetDouble());
        foreach (var limits in new[] { status.GetProperty("limits"), status.GetProperty("applied") })
        {
            Assert.Equal(0.5, limits.GetProperty("cpus").GetDouble());
            Assert.Equal(64 << 20, limits.GetProperty("memory_bytes").GetInt64());
            Assert.Equal(10, limits.GetProperty("pids").GetInt64());
            Assert.Equal(8 << 20, limits.GetProperty("swap_bytes").GetInt64());
            Assert.Equal(50, limits.GetProperty("cpu_weight").GetInt64());
        }
        Assert.Equal("-f--@file", (await server.RunnerAsync("logs", job)).Output);
    }

    [Fact]
    public async Task Status_and_list_for_people_show_no_control_characters_of_the_jobs_maker()
    {
        var job = await server.StartAsync("--", "true", "a\u001b[31mb\nc\u202e");
        await server.EndAsync(job);
        foreach (var shown in new[] { await server.RunnerAsync("status", job), await server.RunnerAsync("list") })
        {
            Assert.Contains("true $'a\\U0000001b[31mb\\U0000000ac\\U0000202e'", shown.Expect(0).Output, StringComparison.Ordinal);
            Assert.DoesNotContain(shown.Output, character => character is '\u001b' or '\u202e');
        }
    }

    [Fact]
    public async Task List_has_every_job_newest_first()
    {
        string[] jobs = [await server.ShellAsync("exit 4"), await server.StartAsync("--", "sleep", "1000"), await server.ShellAsync("kill $$")];
        await server.EndAsync(jobs[0]);
        await server.EndAsync(jobs[2]);

        var lines = (await server.RunnerAsync("list", "--json", "--all")).Expect(0).Output.TrimEnd('\n').Split('\n');
        var listed = lines.Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(jobs.Reverse(), listed.Select(job => Text(job, "id")).Where(jobs.Contains));

        var table = (await server.RunnerAsync("list")).Expect(0).Output.Split('\n');
        Assert.StartsWith("UUID ", table[0], StringComparison.Ordinal);
        Assert.Contains("exited 4", table.Single(line => line.StartsWith(jobs[0], StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("running", table.Single(line => line.StartsWith(jobs[1], StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("signaled SIGTERM", table.Single(line => line.StartsWith(jobs[2], StringComparison.Ordinal)), StringComparison.Ordinal);
        (await server.RunnerAsync("stop", jobs[1])).Expect(0);
    }

    [Theory, InlineData("status"), InlineData("logs"), InlineData("stop")]
    public async Task A_job_that_is_not_there_and_a_word_that_is_no_uuid_are_told_apart(string verb)
    {
        var unknown = Guid.NewGuid().ToString();
        (await server.RunnerAsync(verb, unknown)).ExpectRefusal(127, $"no job {unknown}");
        (await server.RunnerAsync(verb, "../../etc/passwd")).ExpectRefusal(2, "must be a UUID");
        (await server.RunnerAsync(verb, "")).ExpectRefusal(2, "must be a UUID");
    }

    private static string? Text(JsonElement status, string name) => status.GetProperty(name).GetString();
}
