using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Runner.Client;
using Runner.Jobs;
using Runner.Output;
using Runner.Tests.Server;
using Runner.Tests.Support;
using Runner.Wire;

namespace Runner.Tests.Client;

/// <summary>What becomes of each call when the server goes away in the middle of it and comes back.</summary>
public sealed class ReconnectionTests : IDisposable
{
    private static readonly TimeSpan s_limit = Until.Limit;
    private readonly TlsWorld _world = new();
    private readonly JobId _id = JobId.New();
    private readonly ConcurrentQueue<string> _told = [];
    private readonly ConcurrentQueue<string> _calls = [];

    public void Dispose() => _world.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_follower_goes_on_at_the_next_byte_of_each_stream_and_is_told_once()
    {
        var requests = new ConcurrentQueue<V1.StreamOutputRequest>();
        await using var server = await ServeAsync(async (context, count) =>
        {
            requests.Enqueue(await RequestAsync<V1.StreamOutputRequest>(context));
            switch (count)
            {
                case 1:
                    await context.SendAsync(Data(0, "abc"));
                    await context.SendAsync(Data(0, "e", V1.OutputStream.Stderr));
                    await BreakAsync(context, () => _received == 4);
                    break;
                case 2:
                    await BreakAsync(context, () => true); // before there is a byte
                    break;
                case 3:
                    await context.SendAsync(Data(1, "f", V1.OutputStream.Stderr));
                    await context.SendAsync(Data(3, "d"));
                    await context.AnswerAsync(new V1.StreamOutputResponse { End = new() { Size = 4, StderrSize = 2 } });
                    break;
            }
        });
        using var client = await ReachAsync(server);
        Assert.Equal("out:abc err:e err:f out:d", await ReadAsync(client, new(null, OutputBegin.Start, Follow: true, Limit: 100)));
        Assert.Equal([(0, 0, 100), (3, 1, 96), (3, 1, 96)], requests.Select(request => (request.Offset, request.StderrOffset, request.LimitBytes)));
        Assert.Matches("^(lost back ?){1,2}$", string.Join(' ', Told())); // two if the server was heard again in between
    }

    [Fact]
    public async Task A_tail_begins_only_once_though_it_broke_off_before_there_was_a_byte()
    {
        var requests = new ConcurrentQueue<V1.StreamOutputRequest>();
        await using var server = await ServeAsync(async (context, count) =>
        {
            requests.Enqueue(await RequestAsync<V1.StreamOutputRequest>(context));
            if (count == 1)
            {
                await context.SendAsync(Data(1000, ""));
                context.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers["grpc-status"] = "14"; // UNAVAILABLE, behind the message
            }
            else
            {
                await context.SendAsync(Data(1000, "written meanwhile"));
                await context.AnswerAsync(new V1.StreamOutputResponse { End = new() { Size = 1017 } });
            }
        });
        using var client = await ReachAsync(server);
        Assert.Equal("out:written meanwhile", await ReadAsync(client, new(OutputKind.Stdout, new OutputBegin.LastLines(0), Follow: true)));
        Assert.Equal([(true, 0), (false, 1000)], requests.Select(request => (request.HasTailLines, request.Offset)));
    }

    [Fact]
    public async Task Calls_that_lose_the_same_connection_are_one_interruption_and_each_is_answered()
    {
        var lost = 0;
        await using var server = await ServeAsync(async (context, _) =>
        {
            // The first three together.
            if (Interlocked.Increment(ref lost) <= 3) await BreakAsync(context, () => Volatile.Read(ref lost) >= 3);
            else if (context.Method() is "WaitJob") await context.AnswerAsync(new V1.WaitJobResponse { Job = Ended(V1.EndReason.Exited) });
            else await context.AnswerAsync(new V1.GetJobResponse { Job = JobAnswers.Running(_id) });
        });
        using var client = await ReachAsync(server);
        var wait = client.WaitAsync(_id, Token);
        await Task.WhenAll(wait, client.GetAsync(_id, Token), client.GetAsync(_id, Token)).WaitAsync(s_limit, Token);
        Assert.Equal(new JobEnd.Exited(5), (await wait).End);
        Assert.Equal(["lost", "back"], Told());
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_stop_that_is_asked_for_again_is_granted_if_it_was_this_callers_that_ended_the_job(bool byMe)
    {
        await using var server = await ServeAsync(async (context, count) =>
        {
            switch (context.Method())
            {
                case "StopJob" when count == 1: await BreakAsync(context, () => true); break;
                case "StopJob": Refuse(context, JobError.AlreadyEnded); break;
                case "GetJob": await context.AnswerAsync(new V1.GetJobResponse { Job = Ended(V1.EndReason.Stopped, by: byMe ? "anna" : "bert") }); break;
                default:
                    await context.SendAsync(Data(10, "one\ntwo\n", (await RequestAsync<V1.StreamOutputRequest>(context)).Stream));
                    await context.AnswerAsync(new V1.StreamOutputResponse { End = new() { Size = 18 } });
                    break;
            }
        });
        using var client = await ReachAsync(server);
        var stop = client.StopAsync(_id, null, tailLines: 1, Token).WaitAsync(s_limit, Token);
        if (byMe) Assert.Equal("two\n"u8.ToArray(), (await stop).StderrTail.ToArray());
        else Assert.Equal(JobError.AlreadyEnded, (await Assert.ThrowsAsync<JobException>(() => stop)).Error);
    }

    [Fact]
    public async Task A_stop_that_comes_too_late_at_once_is_told_so()
    {
        await using var server = await ServeAsync((context, _) =>
        {
            Refuse(context, JobError.AlreadyEnded);
            return Task.CompletedTask;
        });
        using var client = await ReachAsync(server);
        Assert.Equal(JobError.AlreadyEnded, (await Assert.ThrowsAsync<JobException>(() => client.StopAsync(_id, null, 1, Token))).Error);
    }

    [Fact]
    public async Task A_removal_that_is_asked_for_again_is_done_if_the_job_has_gone()
    {
        await using var server = await ServeAsync(async (context, count) =>
        {
            if (count == 1) await BreakAsync(context, () => true);
            else Refuse(context, JobError.NoSuchJob);
        });
        using var client = await ReachAsync(server);
        Assert.Equal(0, await client.RemoveAsync(_id, RemovalScope.Job, Token).WaitAsync(s_limit, Token));
        Assert.Equal(JobError.NoSuchJob, (await Assert.ThrowsAsync<JobException>(() => client.RemoveAsync(_id, RemovalScope.Job, Token))).Error);
    }

    [Fact]
    public async Task A_signal_is_never_sent_twice()
    {
        await using var server = await ServeAsync((context, _) => BreakAsync(context, () => true));
        using var client = await ReachAsync(server);
        await Assert.ThrowsAsync<ServerUnreachableException>(() => client.SignalAsync(_id, 2, false, Token));
        Assert.Equal(["SignalJob"], _calls);
    }

    [Theory, InlineData(7), InlineData(16)]
    public async Task What_is_not_allowed_is_not_tried_again(int status)
    {
        await using var server = await ServeAsync((context, _) =>
        {
            context.Refuse(status, "no");
            return Task.CompletedTask;
        });
        using var client = await ReachAsync(server);
        await Assert.ThrowsAsync<ServerUnreachableException>(() => client.GetAsync(_id, Token));
        Assert.Equal(["GetJob"], _calls);
        Assert.Empty(_told);
    }

    [Fact]
    public async Task A_server_that_was_never_reached_is_not_waited_for()
    {
        var server = await ServeAsync((_, _) => Task.CompletedTask);
        var profile = _world.Profile(server);
        await server.DisposeAsync();
        using var client = new RunnerClient(profile, new(TimeSpan.FromHours(1), _told.Enqueue));
        Assert.Contains("nothing listens", (await Assert.ThrowsAsync<ServerUnreachableException>(() => client.GetAsync(_id, Token).WaitAsync(s_limit, Token))).Message);
        Assert.Empty(_told);
    }

    [Fact]
    public async Task A_server_that_does_not_come_back_is_given_up_after_the_limit()
    {
        var server = await ServeAsync((_, _) => Task.CompletedTask);
        using var client = await ReachAsync(server, TimeSpan.FromSeconds(2));
        await server.DisposeAsync();
        Assert.Contains("nothing listens", (await Assert.ThrowsAsync<ServerUnreachableException>(() => client.WaitAsync(_id, Token).WaitAsync(s_limit, Token))).Message);
        Assert.True(client.IsLost);
        Assert.Equal(["lost"], Told());
    }

    [Fact]
    public async Task Who_does_not_want_to_wait_is_told_at_once()
    {
        await using var server = await ServeAsync((context, _) => BreakAsync(context, () => true));
        using var client = await ReachAsync(server, TimeSpan.Zero);
        await Assert.ThrowsAsync<ServerUnreachableException>(() => client.WaitAsync(_id, Token));
        Assert.Equal(["WaitJob"], _calls);
        Assert.Empty(_told);
    }

    [Theory, InlineData(1, false), InlineData(1, true), InlineData(int.MaxValue, false), InlineData(int.MaxValue, true)]
    public async Task A_server_that_says_goodbye_on_a_new_connection_is_called_again_a_few_times_even_by_who_does_not_want_to_wait(int times, bool afterSettings)
    {
        await using var server = await ServeAsync((context, _) => context.AnswerAsync(new V1.GetJobResponse { Job = JobAnswers.Running(_id) }));
        await using var goodbyes = new Goodbyes(_world, server, times, afterSettings);
        using var client = new RunnerClient(goodbyes.Profile, new(TimeSpan.Zero, _told.Enqueue));
        var call = client.GetAsync(_id, Token).WaitAsync(s_limit, Token);
        if (times == 1) Assert.Equal(_id, (await call).Record.Id);
        else Assert.EndsWith("went away during the call; is it still up?", (await Assert.ThrowsAsync<ServerUnreachableException>(() => call)).Message);

        // After settings the platform calls again by itself, too.
        Assert.InRange(goodbyes.Said, times == 1 ? 1 : 3, times == 1 ? 1 : afterSettings ? 12 : 3);
        Assert.Empty(_told);
    }

    private int _received;

    /// <summary>A client that has called the server before.</summary>
    private async Task<RunnerClient> ReachAsync(TestServer server, TimeSpan? limit = null)
    {
        var client = new RunnerClient(_world.Profile(server), new(limit ?? TimeSpan.FromMinutes(1), _told.Enqueue));
        await client.InfoAsync(Token);
        _calls.Clear();
        return client;
    }

    private string[] Told() => [.. _told.Select(sentence =>
        System.Text.RegularExpressions.Regex.IsMatch(sentence, "^connection to 127.0.0.1:[0-9]+ lost; reconnecting$") ? "lost"
        : System.Text.RegularExpressions.Regex.IsMatch(sentence, "^reconnected after [0-9]+[.][0-9] s$") ? "back" : sentence)];

    /// <summary>A server whose answers are made by the test, which is told how many calls of that method there were.</summary>
    private Task<TestServer> ServeAsync(Func<HttpContext, int, Task> answer) => _world.ServeAsync(async context =>
    {
        _calls.Enqueue(context.Method());
        if (context.Method() is "GetInfo") await context.AnswerAsync(new V1.GetInfoResponse { CallerName = "anna" });
        else await answer(context, _calls.Count(method => method == context.Method()));
    });

    private static async Task BreakAsync(HttpContext context, Func<bool> when)
    {
        await Until.SoAsync(when, "it is time to break off");
        context.Features.Get<IConnectionLifetimeFeature>()!.Abort();
        await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
    }

    private async Task<string> ReadAsync(RunnerClient client, OutputWish wish)
    {
        var pieces = new List<string>();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(s_limit);
        await foreach (var part in client.ReadAsync(_id, wish, limit.Token))
        {
            pieces.Add($"{(part.Kind is OutputKind.Stdout ? "out" : "err")}:{System.Text.Encoding.ASCII.GetString(part.Bytes.Span)}");
            _received += part.Bytes.Length;
        }
        return string.Join(' ', pieces);
    }

    private static async Task<T> RequestAsync<T>(HttpContext context) where T : IMessage<T>, new()
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var message = new T();
        message.MergeFrom(body.ToArray().AsSpan(5)); // behind flag and length
        return message;
    }

    private static V1.StreamOutputResponse Data(long offset, string text, V1.OutputStream stream = V1.OutputStream.Stdout) =>
        new() { Data = new() { Offset = offset, Bytes = ByteString.CopyFromUtf8(text), Stream = stream } };

    private V1.Job Ended(V1.EndReason reason, string by = "") =>
        JobAnswers.Ended(_id, new V1.Ended { EndedAt = new(), Reason = reason, Code = 5, StoppedBy = by });

    private static void Refuse(HttpContext context, JobError error)
    {
        var refusal = JobErrors.ToRpc(new JobException(error, "no"));
        context.Refuse((int)refusal.StatusCode, "no");
        context.Response.Headers["grpc-status-details-bin"] = Convert.ToBase64String(refusal.Trailers.GetValueBytes("grpc-status-details-bin")!);
    }
}
