using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Runner.Access;
using Runner.Jobs;
using Runner.Tests.Grpc;
using Runner.Tests.Support;
using Runner.Wire;

namespace Runner.Tests.Server;

/// <summary>What a filtered list answers over the wire, to whom.</summary>
public sealed class JobListTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Filters => ["", "state", "reason", "exit_code", "failed", "label", "label=", "name", "owner", "since", "until", "uuid", "start", "word", "pid"];

    [Theory, MemberData(nameof(Filters))]
    public async Task A_filter_never_tells_a_caller_of_the_jobs_of_others(string what)
    {
        await using var served = await ServedMachine.StartAsync();
        var uwe = served.Jobs("uwe", Role.User);
        var spec = new V1.JobSpec { Command = "/bin/sh", Args = { "-c", "exit 3" }, Name = "secret", Labels = { ["team"] = "red" } };
        var job = (await uwe.StartJobAsync(new V1.StartJobRequest { Spec = spec }, cancellationToken: Token).ResponseAsync.Soon()).Job;
        await uwe.WaitJobAsync(new V1.WaitJobRequest { Id = job.Id }, cancellationToken: Token).ResponseAsync.Soon();
        var request = new V1.ListJobsRequest { Filter = Filter(what, job) };
        foreach (var (name, role, count) in new[] { ("uwe", Role.User, 1), ("uwe", Role.Writer, 1), ("rita", Role.Reader, 1), ("anna", Role.Admin, 1), ("eve", Role.User, 0), ("eve", Role.Writer, 0) })
        {
            var answer = await served.Jobs(name, role).ListJobsAsync(request, cancellationToken: Token).ResponseAsync.Soon();
            Assert.Equal((count, ""), (answer.Jobs.Count, answer.NextPageToken));
        }
    }

    [Fact]
    public async Task What_is_no_page_token_is_refused_with_a_filter_as_without_and_tells_nothing()
    {
        await using var served = await ServedMachine.StartAsync();
        var mine = served.Machine.Start("/bin/true");
        var eve = served.Jobs("eve", Role.Writer);
        foreach (var token in new[] { mine.Record.Id.ToString(), JobId.New().ToString(), "x", "@", $"{mine.Record.Id}@x", $"{mine.Record.Id}@-1", $"{mine.Record.Id}@{long.MaxValue}", $"x@{mine.Record.StartedAt.UtcTicks}" })
            foreach (var filter in new[] { null, new V1.JobFilter { Owner = "admin" }, new V1.JobFilter { Name = "x" } })
                Assert.Equal("page_token: must be the next_page_token of a list's answer",
                    (await RefusedAsync(eve, new() { PageToken = token, Filter = filter })).Message);
    }

    [Fact]
    public async Task Pages_of_a_filtered_list_have_each_job_once()
    {
        await using var served = await ServedMachine.StartAsync();
        var wanted = new List<string>();
        for (var i = 0; i < 9; i++)
        {
            var job = served.Machine.Start(new JobSpec { Command = "/bin/true", Name = i % 3 == 0 ? "other" : "wanted" });
            await Machine.EndAsync(job);
            if (i % 3 != 0) wanted.Insert(0, job.Record.Id.ToString());
        }
        var (seen, request) = (new List<string>(), new V1.ListJobsRequest { PageSize = 2, Filter = new() { Name = "wanted", State = V1.JobStateFilter.Ended } });
        do
        {
            var page = await served.Jobs("rita", Role.Reader).ListJobsAsync(request, cancellationToken: Token).ResponseAsync.Soon();
            seen.AddRange(page.Jobs.Select(job => job.Id));
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        Assert.Equal(wanted, seen);
    }

    [Fact]
    public async Task Jobs_that_end_while_those_that_run_are_listed_are_never_told_as_ended()
    {
        await using var served = await ServedMachine.StartAsync();
        var rita = served.Jobs("rita", Role.Reader);
        for (var round = 0; round < 10; round++)
        {
            var jobs = Enumerable.Range(0, 10).Select(_ => served.Machine.Start("/bin/true")).ToList();
            var ended = Task.WhenAll(jobs.Select(Machine.EndAsync));
            while (!ended.IsCompleted)
                foreach (var state in new[] { V1.JobStateFilter.Running, V1.JobStateFilter.Ended })
                {
                    var answer = await rita.ListJobsAsync(new() { Filter = new() { State = state } }, cancellationToken: Token).ResponseAsync.Soon();
                    Assert.All(answer.Jobs, job => Assert.Equal(state is V1.JobStateFilter.Ended, job.StateCase is V1.Job.StateOneofCase.Ended));
                }
            await ended;
            Assert.Empty((await rita.ListJobsAsync(new() { Filter = new() { State = V1.JobStateFilter.Running } }, cancellationToken: Token).ResponseAsync.Soon()).Jobs);
            Assert.Equal((round + 1) * 10, (await rita.ListJobsAsync(new() { PageSize = 1000, Filter = new() { State = V1.JobStateFilter.Ended } }, cancellationToken: Token).ResponseAsync.Soon()).Jobs.Count);
        }
    }

    public static TheoryData<string, string> Bad => new()
    {
        { "filter.state", "state 9: must be running (1) or ended (2)" },
        { "filter.reason", "reason 99: must be one of exited, signaled" },
        { "filter.exit_code", "exit code -1: must be 0 to 255" },
        { "filter.started_since", "filter.started_since: must be a time of the years 1 to 9999" },
        { "filter.reference", "job '/': must be a UUID, 4 or more of the first characters of one, a name, pid:N or pid:N@START" },
    };

    [Theory, MemberData(nameof(Bad))]
    public async Task A_filter_that_is_none_is_refused_and_says_what_is_one(string field, string sentence)
    {
        await using var served = await ServedMachine.StartAsync();
        var filter = field switch
        {
            "filter.state" => new V1.JobFilter { State = (V1.JobStateFilter)9 },
            "filter.reason" => new() { Reason = (V1.EndReason)99 },
            "filter.exit_code" => new() { ExitCode = -1 },
            "filter.started_since" => new() { StartedSince = new Timestamp { Seconds = long.MaxValue } },
            _ => new() { Reference = "/" },
        };
        var e = await RefusedAsync(served.Jobs("rita", Role.Reader), new() { Filter = filter });
        Assert.Equal((JobError.BadField, field), (e.Error, e.Field));
        Assert.StartsWith(sentence, e.Message, StringComparison.Ordinal);
    }

    private static async Task<JobException> RefusedAsync(V1.JobService.JobServiceClient jobs, V1.ListJobsRequest request)
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(() => jobs.ListJobsAsync(request, cancellationToken: Token).ResponseAsync.Soon());
        Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
        return JobErrors.FromRpc(refusal)!;
    }

    private static V1.JobFilter? Filter(string what, V1.Job job) => what switch
    {
        "" => null,
        "state" => new() { State = V1.JobStateFilter.Ended },
        "reason" => new() { Reason = V1.EndReason.Exited },
        "exit_code" => new() { ExitCode = 3 },
        "failed" => new() { Failed = true },
        "label" => new() { Labels = { new V1.LabelFilter { Key = "team" } } },
        "label=" => new() { Labels = { new V1.LabelFilter { Key = "team", Value = "red" } } },
        "name" => new() { Name = "secret" },
        "owner" => new() { Owner = "uwe" },
        "since" => new() { StartedSince = job.StartedAt },
        "until" => new() { StartedUntil = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow.AddDays(1)) },
        "uuid" => new() { Reference = job.Id },
        "start" => new() { Reference = job.Id[..4] },
        "word" => new() { Reference = "secret" },
        _ => new() { Reference = $"pid:{job.Pid}" },
    };
}
