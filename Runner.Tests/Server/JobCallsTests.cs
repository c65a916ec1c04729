using Microsoft.Extensions.Logging;
using Runner.Access;
using Runner.Jobs;
using Runner.Tests.Grpc;
using Runner.Tests.Support;

namespace Runner.Tests.Server;

/// <summary>What the API answers, over the wire.</summary>
public sealed class JobCallsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Large_jobs_do_not_make_the_list_too_large_for_a_client()
    {
        await using var served = await ServedMachine.StartAsync();
        for (var i = 0; i < 4; i++)
            await Machine.EndAsync(served.Machine.Start(new JobSpec { Command = "/bin/true", Args = [.. Enumerable.Repeat(new string('x', 100 * 1024), 14)] }));
        var jobs = served.Jobs("rita", Role.Reader);
        var (seen, request) = (0, new V1.ListJobsRequest());
        do
        {
            var page = await jobs.ListJobsAsync(request, cancellationToken: Token).ResponseAsync.Soon();
            seen += page.Jobs.Count;
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        Assert.Equal(4, seen);
    }

    [Fact]
    public async Task Starts_and_stops_are_on_record_with_their_caller_and_job_and_nothing_of_what_was_run()
    {
        await using var served = await ServedMachine.StartAsync();
        var jobs = served.Jobs("wanda", Role.Writer);
        var spec = new V1.JobSpec { Command = "/bin/sleep", Args = { "1000.5" }, Env = { ["TOKEN"] = "secret" } };
        var id = (await jobs.StartJobAsync(new V1.StartJobRequest { Spec = spec }, cancellationToken: Token).ResponseAsync.Soon()).Job.Id;
        await jobs.StopJobAsync(new V1.StopJobRequest { Id = id }, cancellationToken: Token).ResponseAsync.Soon();
        foreach (var method in new[] { "StartJob", "StopJob" })
            Assert.Contains((LogLevel.Information, $"wanda (Writer) called /runner.v1.JobService/{method} for job {id}"), served.Log.Entries);
        Assert.DoesNotContain(served.Log.Lines, line => line.Contains("1000.5", StringComparison.Ordinal) || line.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_cannot_be_answered_leaves_a_line_for_whoever_looks_for_it()
    {
        await using var served = await ServedMachine.StartAsync();
        var http = served.Http("rita", Role.Reader);
        foreach (var (path, line) in new[]
        {
            ("/runner.v1.JobService/NoSuchMethod", "rita (Reader) asked for something that is not served"),
            ("/runner.v1.JobService/GetJob", "rita (Reader) called /runner.v1.JobService/GetJob with a request that could not be read"),
        })
        {
            using var request = served.Post(path, new ByteArrayContent([0, 0, 0, 0, 2, 0xff, 0xff]));
            using var answer = await http.SendAsync(request, Token).Soon();
            Assert.Contains((LogLevel.Debug, line), served.Log.Entries);
        }
    }

    [Fact]
    public async Task The_values_of_an_environment_are_for_its_owner_and_admins()
    {
        await using var served = await ServedMachine.StartAsync();
        var spec = new V1.JobSpec { Command = "/bin/true", Env = { ["TOKEN"] = "secret" } };
        var started = await served.Jobs("uwe", Role.User).StartJobAsync(new V1.StartJobRequest { Spec = spec }, cancellationToken: Token).ResponseAsync.Soon();
        Assert.Equal("secret", started.Job.Spec.Env["TOKEN"]);
        foreach (var (name, role, value) in new[] { ("uwe", Role.User, "secret"), ("anna", Role.Admin, "secret"), ("rita", Role.Reader, "") })
        {
            var jobs = served.Jobs(name, role);
            var listed = await jobs.ListJobsAsync(new V1.ListJobsRequest(), cancellationToken: Token).ResponseAsync.Soon();
            var got = await jobs.GetJobAsync(new V1.GetJobRequest { Id = started.Job.Id }, cancellationToken: Token).ResponseAsync.Soon();
            var waited = await jobs.WaitJobAsync(new V1.WaitJobRequest { Id = started.Job.Id }, cancellationToken: Token).ResponseAsync.Soon();
            Assert.All([listed.Jobs[0], got.Job, waited.Job], job => Assert.Equal(value, job.Spec.Env["TOKEN"]));
        }
    }
}
