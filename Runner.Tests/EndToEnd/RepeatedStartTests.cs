using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

public sealed class RepeatedStartTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Fact]
    public async Task The_same_start_again_answers_the_same_job_also_after_its_end()
    {
        string[] start = ["start", "--id", Guid.NewGuid().ToString(), "--", "sh", "-c", $"echo started >>{server.At("starts")}; sleep 0.1"];
        var first = (await server.RunnerAsync(start)).Expect(0).Output;
        Assert.Equal(first, (await server.RunnerAsync(start)).Expect(0).Output);
        await server.EndAsync(start[2]);
        Assert.Equal(first, (await server.RunnerAsync(start)).Expect(0).Output);
        Assert.Equal(["started"], await File.ReadAllLinesAsync(server.At("starts"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Twenty_at_once_with_one_id_start_exactly_one_job()
    {
        string[] start = ["start", "--json", "--id", Guid.NewGuid().ToString(), "--", "sh", "-c", $"echo $$ >>{server.At("processes")}; sleep 1000"];
        var all = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => server.RunnerAsync(start)));
        var pids = all.Select(ran => ran.Expect(0).Output.Split('\n').Single(line => line.Contains("\"pid\"", StringComparison.Ordinal) && !line.Contains("null", StringComparison.Ordinal) && line.StartsWith("  \"", StringComparison.Ordinal)));
        Assert.Single(pids.Distinct());
        (await server.RunnerAsync("stop", start[3])).Expect(0);
        Assert.Single(await File.ReadAllLinesAsync(server.At("processes"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Another_job_under_an_id_in_use_is_refused_and_not_started()
    {
        var id = Guid.NewGuid().ToString();
        await server.StartAsync("--id", id, "--", "sleep", "1000");
        (await server.RunnerAsync("start", "--id", id, "--", "touch", server.At("never"))).ExpectRefusal(1, id);
        (await server.RunnerAsync("start", "--id", id, "--cpu", "1", "--", "sleep", "1000")).ExpectRefusal(1, id);
        (await server.RunnerAsync("stop", id)).Expect(0);
        (await server.RunnerAsync("start", "--id", id, "--", "touch", server.At("never"))).ExpectRefusal(1, id);
        Assert.False(File.Exists(server.At("never")));
    }

    [Fact]
    public async Task An_id_that_somebody_else_uses_is_refused_without_telling_of_their_job()
    {
        await server.AddClientAsync("wilma", "writer");
        await server.AddClientAsync("walter", "writer");
        var id = Guid.NewGuid().ToString();
        string[] start = ["start", "--id", id, "--", "sh", "-c", "echo secret; sleep 1000"];
        (await server.AsAsync("wilma", start)).Expect(0);
        var refused = (await server.AsAsync("walter", start)).ExpectRefusal(1, id);
        Assert.DoesNotContain("wilma", refused.Error, StringComparison.Ordinal);
        (await server.AsAsync("walter", "status", id)).ExpectRefusal(127, $"no job {id}");
        (await server.AsAsync("wilma", "stop", id)).Expect(0);
    }

    [Fact]
    public async Task A_start_that_was_refused_may_be_asked_again_under_its_id()
    {
        using var folder = new TemporaryFolder();
        string[] start = ["start", "--id", Guid.NewGuid().ToString(), "--", folder.At("late")];
        (await server.RunnerAsync(start)).Expect(127);
        folder.Write("late", "#!/bin/sh\necho here\n", UnixFileMode.UserRead | UnixFileMode.UserExecute);
        (await server.RunnerAsync(start)).Expect(0);
        Assert.Equal("here\n", (await server.RunnerAsync("logs", start[2])).Output);
    }
}
