using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>Which certificate may do what: to its own jobs and to those of others.</summary>
public sealed class RoleTests(LiveServer server) : IClassFixture<LiveServer>
{
    private static readonly string[] s_verbs = ["status", "logs", "list", "stop"];

    [Fact]
    public async Task A_reader_sees_every_job_and_changes_none()
    {
        await server.AddClientAsync("rita", "reader");
        server.Expect("rita (Reader) was refused");
        var job = await server.ShellAsync("echo hello; exec sleep 1000");
        (await server.AsAsync("rita", "start", "--", "true")).ExpectRefusal(1, "role reader may not call StartJob: must be user, writer or admin");
        (await server.AsAsync("rita", "run", "--", "true")).ExpectRefusal(1, "role reader may not call StartJob: must be user, writer or admin");
        (await server.AsAsync("rita", "stop", job)).ExpectRefusal(1, "role reader may not call StopJob: must be writer or admin");
        (await server.AsAsync("rita", "stop", Guid.NewGuid().ToString())).ExpectRefusal(1, "role reader may not call StopJob: must be writer or admin");
        (await server.AsAsync("rita", "rm", job)).ExpectRefusal(1, "role reader may not call RemoveJob: must be writer or admin");
        (await server.AsAsync("rita", "prune", "--older-than", "0")).ExpectRefusal(1, "role reader may not call PruneJobs: must be writer or admin");
        (await server.AsAsync("rita", "rm", "--output-only", job)).ExpectRefusal(1, "role reader may not call RemoveOutput: must be writer or admin");
        (await server.AsAsync("rita", "prune", "--output-only", "--older-than", "0")).ExpectRefusal(1, "role reader may not call PruneOutput: must be writer or admin");
        (await server.AsAsync("rita", "pin", job)).ExpectRefusal(1, "role reader may not call PinJob: must be writer or admin");
        (await server.AsAsync("rita", "signal", job, "TERM")).ExpectRefusal(1, "role reader may not call SignalJob: must be writer or admin");
        Assert.Contains("running", (await server.AsAsync("rita", "status", job)).Expect(0).Output, StringComparison.Ordinal);
        Assert.Contains(job, (await server.AsAsync("rita", "list")).Expect(0).Output, StringComparison.Ordinal);

        await using var follower = ChildProcess.Start(RunnerBinary.Path, ["logs", "-f", job], server.Environment("rita"));
        await follower.OutputHasAsync("hello\n");
        (await server.RunnerAsync("stop", job)).Expect(0);
        (await follower.EndAsync()).Expect(0);
    }

    [Theory, InlineData("writer"), InlineData("user")]
    public async Task The_job_of_somebody_else_does_not_exist_for_a_writer_or_a_user(string role)
    {
        await server.AddClientAsync($"other-{role}", role);
        if (role is "user") server.Expect("other-user (User) was refused");
        var job = await server.ShellAsync("echo secret; sleep 1000");
        foreach (var verb in s_verbs.Except(["list", role is "user" ? "stop" : ""]))
            (await server.AsAsync($"other-{role}", verb, job)).ExpectRefusal(127, $"no job {job}");
        (await server.AsAsync($"other-{role}", "logs", "--no-follow", job)).ExpectRefusal(127, $"no job {job}");
        Assert.DoesNotContain(job, (await server.AsAsync($"other-{role}", "list", "--all")).Expect(0).Output, StringComparison.Ordinal);
        if (role is "user") (await server.AsAsync("other-user", "stop", job)).ExpectRefusal(1, "role user may not call StopJob: must be writer or admin");
        (await server.RunnerAsync("stop", job)).Expect(0);
    }

    [Fact]
    public async Task A_writer_does_everything_to_its_own_jobs()
    {
        await server.AddClientAsync("will", "writer");
        var job = await StartAsAsync("will");
        Assert.Contains("running", (await server.AsAsync("will", "status", job)).Expect(0).Output, StringComparison.Ordinal);
        Assert.Contains(job, (await server.AsAsync("will", "list")).Expect(0).Output, StringComparison.Ordinal);
        Assert.Contains("stopped by will", (await server.AsAsync("will", "stop", job)).Expect(0).Output, StringComparison.Ordinal);
        Assert.Equal("hello\n", (await server.AsAsync("will", "logs", job)).Expect(0).Output);
        Assert.Equal("7", (await server.AsAsync("will", "run", "--", "printf", "7")).Expect(0).Output);
    }

    [Fact]
    public async Task A_user_does_everything_to_its_own_jobs_but_stop_them()
    {
        await server.AddClientAsync("uma", "user");
        server.Expect("uma (User) was refused");
        var job = await StartAsAsync("uma");
        Assert.Contains("running", (await server.AsAsync("uma", "status", job)).Expect(0).Output, StringComparison.Ordinal);
        Assert.Contains(job, (await server.AsAsync("uma", "list")).Expect(0).Output, StringComparison.Ordinal);
        (await server.AsAsync("uma", "stop", job)).ExpectRefusal(1, "role user may not call StopJob: must be writer or admin");
        (await server.AsAsync("uma", "signal", job, "TERM")).ExpectRefusal(1, "role user may not call SignalJob: must be writer or admin");
        (await server.AsAsync("uma", "start", "--pin", "--", "true")).ExpectRefusal(1, "role user may not pin jobs: must be writer or admin");
        Assert.Contains("running", (await server.AsAsync("uma", "status", job)).Expect(0).Output, StringComparison.Ordinal);
        (await server.RunnerAsync("stop", job)).Expect(0);
        Assert.Equal("hello\n", (await server.AsAsync("uma", "logs", job)).Expect(0).Output);
    }

    [Fact]
    public async Task An_administrator_does_everything_to_every_job()
    {
        await server.AddClientAsync("wanda", "writer");
        var job = await StartAsAsync("wanda");
        Assert.Contains(job, (await server.RunnerAsync("list")).Expect(0).Output, StringComparison.Ordinal);
        Assert.Contains("stopped by admin", (await server.RunnerAsync("stop", job)).Expect(0).Output, StringComparison.Ordinal);
        Assert.Equal("hello\n", (await server.RunnerAsync("logs", job)).Expect(0).Output);
        Assert.Contains("stopped by admin", (await server.AsAsync("wanda", "status", job)).Expect(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_of_another_authority_is_nobodys()
    {
        server.Expect("Refused a connection from");
        using var folder = new TemporaryFolder();
        (await RunnerBinary.RunAsync("certs", "init", "--dir", folder.At("certs"))).Expect(0);
        (await server.RunnerAsync("list", "--cert", folder.At("certs/admin.pem"))).ExpectRefusal(125, "closed the connection");
    }

    [Fact]
    public async Task A_server_that_another_authority_vouches_for_is_not_believed()
    {
        using var folder = new TemporaryFolder();
        (await RunnerBinary.RunAsync("certs", "init", "--dir", folder.At("certs"))).Expect(0);
        var ran = await server.RunnerAsync("list", "--ca", folder.At("certs/server-ca.pem"));
        Assert.NotEqual(0, ran.Code);
        Assert.Contains("does not vouch for", ran.Error, StringComparison.Ordinal);
    }

    private async Task<string> StartAsAsync(string name)
    {
        var job = (await server.AsAsync(name, "start", "--", "sh", "-c", "echo hello; exec sleep 1000")).Expect(0).Output.TrimEnd('\n');
        await using var follower = server.Begin("logs", job);
        await follower.OutputHasAsync("hello\n");
        return job;
    }
}
