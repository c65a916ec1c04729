using System.Diagnostics;
using Grpc.Core;
using Runner.Tests.Grpc.Echo;

namespace Runner.Tests.Grpc;

/// <summary>A deadline ends a call on both sides.</summary>
public sealed class DeadlineTests
{
    [Fact]
    public async Task The_server_sees_the_clients_deadline_and_none_if_there_is_none()
    {
        await using var server = await EchoServer.StartAsync();
        var deadlines = new List<DateTime>();
        server.Handlers.Say = (words, context) =>
        {
            deadlines.Add(context.Deadline);
            return Task.FromResult(words);
        };
        var client = server.NewClient();
        var deadline = DateTime.UtcNow.AddHours(1);
        await client.SayAsync(new Words(), deadline: deadline);
        await client.SayAsync(new Words());
        Assert.Equal(deadline, deadlines[0], TimeSpan.FromSeconds(20));
        Assert.Equal(DateTimeKind.Utc, deadlines[0].Kind);
        Assert.Equal(DateTime.MaxValue, deadlines[1]);
    }

    [Fact]
    public async Task A_client_gives_up_by_itself_and_the_handlers_token_fires()
    {
        await using var server = await EchoServer.StartAsync();
        var cancelled = Waiting.NewSignal();
        server.Handlers.Say = async (words, context) =>
        {
            if (context.Deadline == DateTime.MaxValue) return words;
            await context.CancellationToken.Cancelled();
            cancelled.SetResult();
            return words;
        };
        var client = server.NewClient();
        await client.SayAsync(new Words()); // the connection is there
        var e = await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(new Words(), deadline: DateTime.UtcNow.AddSeconds(2)).ResponseAsync.Soon());
        Assert.Equal(StatusCode.DeadlineExceeded, e.StatusCode);
        await cancelled.Task.Soon();
    }

    [Fact]
    public async Task A_deadline_in_the_past_sends_nothing()
    {
        await using var server = await EchoServer.StartAsync();
        var called = false;
        server.Handlers.Say = (words, _) =>
        {
            called = true;
            return Task.FromResult(words);
        };
        using var call = server.NewClient().SayAsync(new Words(), deadline: DateTime.UtcNow.AddSeconds(-1));
        Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync.Soon())).StatusCode);
        Assert.Equal(StatusCode.DeadlineExceeded, call.GetStatus().StatusCode);
        Assert.False(called);
    }

    [Fact]
    public async Task A_local_time_is_no_deadline()
    {
        await using var server = await EchoServer.StartAsync();
        var client = server.NewClient();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await client.SayAsync(new Words(), deadline: DateTime.Now.AddMinutes(1)));
    }

    [Fact]
    public async Task The_server_answers_in_time_for_a_handler_that_heeds_its_token()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        server.Handlers.Say = async (words, context) =>
        {
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return words;
        };
        var answer = await RawCall.SendAsync(server, RawCall.Say, RawCall.Frame(new Words()), headers: ("grpc-timeout", "100m")).Soon();
        Assert.Equal("4", answer.Status);
        Assert.Empty(server.Errors);
    }

    [Fact]
    public async Task The_server_answers_in_time_for_a_handler_that_does_not()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        var release = Waiting.NewSignal();
        var late = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        server.Handlers.Repeat = async (_, responses, _) =>
        {
            await responses.WriteAsync(new Words { Text = "first" }); // long before the time is up, on a busy machine too
            await release.Task;
            late.SetResult(await Record.ExceptionAsync(() => responses.WriteAsync(new Words())));
        };
        var answer = await RawCall.SendAsync(server, RawCall.Repeat, RawCall.Frame(new RepeatRequest()), headers: ("grpc-timeout", "8S")).Soon();
        Assert.Equal("4", answer.Trailers["grpc-status"]);
        Assert.NotEmpty(answer.Body);
        release.SetResult();
        Assert.IsAssignableFrom<OperationCanceledException>(await late.Task.Soon());
    }

    [Fact]
    public async Task A_handler_that_returns_when_the_time_is_up_did_not_succeed()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        server.Handlers.Repeat = (_, _, context) => context.CancellationToken.Cancelled();
        Assert.Equal("4", (await RawCall.SendAsync(server, RawCall.Repeat, RawCall.Frame(new RepeatRequest()), headers: ("grpc-timeout", "50m")).Soon()).Status);
    }

    [Fact]
    public async Task No_time_at_all_does_not_reach_the_handler()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        server.Handlers.Say = (_, _) => throw new InvalidOperationException("The handler was called.");
        Assert.Equal("4", (await RawCall.SendAsync(server, RawCall.Say, RawCall.Frame(new Words()), headers: ("grpc-timeout", "0n")).Soon()).Status);
    }

    [Fact]
    public async Task A_deadline_ends_a_stream_that_is_being_read()
    {
        await using var server = await EchoServer.StartAsync();
        server.Handlers.Repeat = async (_, responses, context) =>
        {
            await responses.WriteAsync(new Words());
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
        };
        var clock = Stopwatch.StartNew();
        using var call = server.NewClient().Repeat(new RepeatRequest(), deadline: DateTime.UtcNow.AddMilliseconds(300));
        var e = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None).Soon()) { }
        });
        Assert.Equal(StatusCode.DeadlineExceeded, e.StatusCode);
        Assert.InRange(clock.Elapsed, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(100));
    }
}
