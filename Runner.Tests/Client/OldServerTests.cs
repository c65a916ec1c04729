using Runner.Client;
using Runner.Jobs;
using Runner.Tests.Server;

namespace Runner.Tests.Client;

/// <summary>A server that knows no filters passes over them.</summary>
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
