using Runner.Client;
using Runner.Jobs;
using Runner.Tests.Server;

namespace Runner.Tests.Client;

/// <summary>A server that is older passes over what it does not know, and refuses calls it does not know.</summary>
public sealed class OldServerTests : IDisposable
{
    private readonly TlsWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task A_job_that_was_not_asked_for_is_never_taken_for_the_one_that_was()
    {
        await using var server = await _world.ServeAsync(context => context.AnswerAsync(new V1.ListJobsResponse { Jobs = { JobAnswers.Running(JobId.New()) } }));
        using var client = new RunnerClient(_world.Profile(server));
        var e = await Assert.ThrowsAsync<ServerUnreachableException>(() => Runner.Cli.JobArgument.OfAsync("nightly", client, TestContext.Current.CancellationToken));
        Assert.Contains("jobs that were not asked for", e.Message);
    }

    [Fact]
    public async Task Output_alone_is_never_asked_for_in_a_way_that_removes_the_job()
    {
        var calls = new List<string>();
        await using var server = await _world.ServeAsync(context =>
        {
            calls.Add(context.Method());
            context.Refuse(12, "Method is unimplemented.");
            return Task.CompletedTask;
        });
        using var client = new RunnerClient(_world.Profile(server));
        var token = TestContext.Current.CancellationToken;
        var prune = await Assert.ThrowsAsync<ServerUnreachableException>(() => client.PruneAsync(JobFilter.None, TimeSpan.Zero, RemovalScope.Output, dryRun: false, token));
        var remove = await Assert.ThrowsAsync<ServerUnreachableException>(() => client.RemoveAsync(JobId.New(), RemovalScope.Output, token));
        Assert.Equal(["PruneOutput", "RemoveOutput"], calls);
        Assert.All([prune, remove], e => Assert.EndsWith("does not know this call; it may be older than this client (Method is unimplemented)", e.Message));
    }

    [Fact]
    public async Task A_job_that_is_to_be_pinned_from_its_start_is_pinned_right_after_it()
    {
        var (id, calls) = (JobId.New(), new List<string>());
        await using var server = await _world.ServeAsync(context =>
        {
            calls.Add(context.Method());
            var job = JobAnswers.Running(id);
            if (context.Method() is "StartJob") return context.AnswerAsync(new V1.StartJobResponse { Job = job });
            job.Pinned = true;
            return context.AnswerAsync(new V1.PinJobResponse { Job = job });
        });
        using var client = new RunnerClient(_world.Profile(server));
        var token = TestContext.Current.CancellationToken;
        Assert.True((await client.StartAsync(id, new JobSpec { Command = "true", Pinned = true }, token)).Record.Pinned);
        Assert.Equal(["StartJob", "PinJob"], calls);
        Assert.False((await client.StartAsync(id, new JobSpec { Command = "true" }, token)).Record.Pinned);
        Assert.Equal(3, calls.Count);
    }

    [Fact]
    public async Task A_whole_uuid_is_not_asked_for()
    {
        var calls = 0;
        await using var server = await _world.ServeAsync(context =>
        {
            calls++;
            context.Refuse(13);
            return Task.CompletedTask;
        });
        using var client = new RunnerClient(_world.Profile(server));
        var id = JobId.New();
        Assert.Equal((id, 0), (await Runner.Cli.JobArgument.OfAsync(id.ToString(), client, TestContext.Current.CancellationToken), calls));
    }
}
