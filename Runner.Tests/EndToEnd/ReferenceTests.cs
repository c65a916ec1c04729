using System.Globalization;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>A job is found by its UUID, the start of it, its name and its process id, by every command that takes one.</summary>
public sealed class ReferenceTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Fact]
    public async Task A_job_can_be_named_in_every_way_by_every_command()
    {
        var job = await server.StartAsync("--name", "in-every-way", "--", "sh", "-c", "echo hello; exec sleep 1000");
        var pid = (await server.StatusAsync(job)).GetProperty("pid").GetInt32();
        var shown = (await server.RunnerAsync("status", job)).Expect(0).Output;
        var started = shown.Split('\n').Single(line => line.StartsWith("started ", StringComparison.Ordinal))["started ".Length..].Trim();
        Assert.Matches("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", started);
        foreach (var name in new[] { job, job[..^1], job.ToUpperInvariant()[..30], "in-every-way", $"pid:{pid}", $"pid:{pid}@{started}" })
        {
            Assert.Equal(job, (await server.StatusAsync(name)).GetProperty("id").GetString());
            await using var follower = server.Begin("logs", name);
            await follower.OutputHasAsync("hello\n");
        }
        Assert.Contains("stopped by admin", (await server.RunnerAsync("stop", "in-every-way")).Expect(0).Output, StringComparison.Ordinal);
        Assert.Equal("ended", (await server.StatusAsync($"pid:{pid}@{started}")).GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_name_of_several_jobs_is_refused_with_which_they_are()
    {
        string[] jobs = [await server.StartAsync("--name", "twins", "--", "sleep", "1000"), await server.StartAsync("--name", "twins", "--", "sh", "-c", "exit 4")];
        await server.EndAsync(jobs[1]);
        var ran = (await server.RunnerAsync("stop", "twins")).Expect(2);
        var lines = ran.Error.TrimEnd('\n').Split('\n');
        Assert.Equal("runner: job twins: could be each of these 2; give its UUID, or more of it", lines[0]);
        Assert.Matches($"^{jobs[1]}  exited 4  [0-9-]+T[0-9:]+Z  admin  twins  sh -c 'exit 4'$", lines[1]);
        Assert.Matches($"^{jobs[0]}  running   [0-9-]+T[0-9:]+Z  admin  twins  sleep 1000$", lines[2]);
        Assert.Equal((3, ""), (lines.Length, ran.Output));
        (await server.RunnerAsync("stop", jobs[0])).Expect(0);
    }

    [Fact]
    public async Task More_than_ten_of_one_name_are_not_all_shown()
    {
        for (var i = 0; i < 12; i++) await server.StartAsync("--name", "dozen", "--", "true");
        var lines = (await server.RunnerAsync("status", "dozen")).Expect(2).Error.TrimEnd('\n').Split('\n');
        Assert.StartsWith("runner: job dozen: could be more than 10, the newest are these", lines[0], StringComparison.Ordinal);
        Assert.Equal(11, lines.Length);
    }

    [Fact]
    public async Task A_name_that_is_the_start_of_another_jobs_uuid_is_either()
    {
        var first = Guid.CreateVersion7().ToString();
        (await server.RunnerAsync("start", "--id", $"beef0000{first[8..]}", "--", "true")).Expect(0);
        var second = await server.StartAsync("--name", "beef", "--", "true");
        var ran = (await server.RunnerAsync("status", "beef")).Expect(2);
        Assert.Contains("could be each of these 2", ran.Error, StringComparison.Ordinal);
        Assert.Contains($"\nbeef0000{first[8..]}", ran.Error, StringComparison.Ordinal);
        Assert.Contains($"\n{second}", ran.Error, StringComparison.Ordinal);
        (await server.RunnerAsync("status", "beef0000")).Expect(0);
    }

    [Theory]
    [InlineData("bee", "no job is named bee, and the start of a UUID has at least 4 characters")]
    [InlineData("no-such-name", "no job is named no-such-name")]
    [InlineData("ffff", "no job is named ffff or has a UUID that starts so")]
    [InlineData("pid:1", "no job pid:1")]
    [InlineData("pid:1@2026-11-22T08:00:00Z", "no job pid:1@2026-11-22T08:00:00Z")]
    public async Task What_names_no_job_is_told_with_127(string name, string sentence)
    {
        foreach (var verb in new[] { "status", "logs", "stop", "wait" })
            Assert.Equal($"runner: {sentence}\n", (await server.RunnerAsync(verb, name)).ExpectRefusal(127, sentence).Error);
    }

    [Theory, InlineData("../../etc/passwd"), InlineData("a b"), InlineData("pid:"), InlineData("pid:1@noon"), InlineData("")]
    public async Task What_cannot_name_a_job_is_told_with_2_and_what_can(string name)
    {
        foreach (var verb in new[] { "status", "logs", "stop", "wait" })
            (await server.RunnerAsync(verb, name)).ExpectRefusal(2, "must be a UUID, 4 or more of the first characters of one, a name, pid:N or pid:N@START");
    }

    [Fact]
    public async Task The_jobs_of_others_are_not_found_by_any_name()
    {
        await server.AddClientAsync("eve", "writer");
        var job = await server.StartAsync("--name", "hidden", "--", "sleep", "1000");
        var pid = (await server.StatusAsync(job)).GetProperty("pid").GetInt32().ToString(CultureInfo.InvariantCulture);
        foreach (var name in new[] { "hidden", job[..^1], $"pid:{pid}" })
            (await server.AsAsync("eve", "status", name)).ExpectRefusal(127, "no job");
        (await server.RunnerAsync("stop", job)).Expect(0);
    }
}
