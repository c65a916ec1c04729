using Google.Protobuf;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Runner.Client;
using Runner.Jobs;
using Runner.Output;
using Runner.Tests.Server;

namespace Runner.Tests.Client;

public sealed class BrokenAnswerTests : IDisposable
{
    private readonly TlsWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task Bytes_that_are_no_message_are_called_nonsense_and_the_certificate_is_not_blamed()
    {
        var told = await TellAsync(async context =>
        {
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.WriteAsync(new byte[] { 0, 0, 0, 0, 2, 0xff, 0xff }, context.RequestAborted);
        });
        Assert.Contains("answered nonsense", told);
        Assert.DoesNotContain("accept", told);
    }

    [Fact]
    public async Task A_call_that_the_server_resets_is_told_with_its_reason_and_the_certificate_is_not_blamed()
    {
        var told = await TellAsync(context =>
        {
            context.Features.Get<IHttpResetFeature>()!.Reset(2);
            return Task.CompletedTask;
        });
        Assert.Contains("INTERNAL_ERROR", told);
        Assert.DoesNotContain("accept", told);
    }

    [Fact]
    public void A_connection_whose_pings_stay_unanswered_is_that_of_a_server_that_answers_no_more()
    {
        // As the platform says it; to hear it from a real one takes half a minute.
        var unanswered = new HttpProtocolException(1, "The HTTP/2 server didn't respond to a ping request within the configured KeepAlivePingDelay.", null);
        var profile = new ClientProfile(new Uri("https://127.0.0.1:1"), "/c", null, "/a");
        Assert.StartsWith("server 127.0.0.1:1: answers no more", ConnectionTrouble.Explain(new IOException("The request was aborted.", unanswered), profile));
    }

    [Fact]
    public async Task A_server_that_dies_while_it_is_followed_went_away_and_the_certificate_is_not_blamed()
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await _world.ServeAsync(async context =>
        {
            await context.SendAsync(new V1.StreamOutputResponse { Data = new() { Bytes = ByteString.CopyFromUtf8("first") } });
            await arrived.Task.WaitAsync(TimeSpan.FromSeconds(30), context.RequestAborted);
            context.Features.Get<IConnectionLifetimeFeature>()!.Abort();
        });
        using var client = new RunnerClient(_world.Profile(server));
        var e = await Assert.ThrowsAsync<ServerUnreachableException>(async () =>
        {
            await foreach (var piece in client.ReadAsync(JobId.New(), OutputKind.Stdout, follow: true, CancellationToken.None)) arrived.SetResult();
        });
        Assert.True(arrived.Task.IsCompleted);
        Assert.DoesNotContain("accept", e.Message);
    }

    private static readonly (string Missing, V1.Job? Job)[] s_nonsense =
    [
        ("there is no job in it", null),
        ("started_at is missing", With(job => job.StartedAt = null)),
        ("started_at is no time", With(job => job.StartedAt = new() { Seconds = long.MaxValue })),
        ("must be a UUID", With(job => job.Id = "x")),
        ("spec: must be there", With(job => job.Spec = null)),
        ("ended_at is missing", With(job => job.Ended = new() { Reason = V1.EndReason.Exited, Code = 0 })),
        ("does not know (99)", With(job => job.Ended = new() { EndedAt = new(), Reason = (V1.EndReason)99, Code = 0 })),
        ("does not tell how the process went", With(job => job.Ended = new() { EndedAt = new(), Reason = V1.EndReason.Exited })),
    ];

    [Fact]
    public Task An_answer_that_makes_no_sense_is_the_servers_failure_and_told_in_a_sentence() => Assert.AllAsync(s_nonsense, async row =>
    {
        var told = await TellAsync(context => context.AnswerAsync(new V1.GetJobResponse { Job = row.Job }));
        Assert.Matches("^server 127.0.0.1:[0-9]+: answered nonsense: ", told);
        Assert.Contains(row.Missing, told);
    });

    [Fact]
    public async Task A_wait_that_is_answered_with_a_running_job_is_nonsense()
    {
        await using var server = await _world.ServeAsync(context => context.AnswerAsync(new V1.WaitJobResponse { Job = JobAnswers.Running(JobId.New()) }));
        using var client = new RunnerClient(_world.Profile(server));
        var e = await Assert.ThrowsAsync<ServerUnreachableException>(() => client.WaitAsync(JobId.New(), CancellationToken.None));
        Assert.Contains("answered nonsense", e.Message);
    }

    private static V1.Job With(Action<V1.Job> change)
    {
        var job = JobAnswers.Running(JobId.New());
        change(job);
        return job;
    }

    private async Task<string> TellAsync(RequestDelegate answer)
    {
        await using var server = await _world.ServeAsync(answer);
        using var client = new RunnerClient(_world.Profile(server));
        return (await Assert.ThrowsAsync<ServerUnreachableException>(() => client.GetAsync(JobId.New(), CancellationToken.None))).Message;
    }
}
