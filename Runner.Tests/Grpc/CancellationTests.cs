using Grpc.Core;
using Runner.Tests.Grpc.Echo;

namespace Runner.Tests.Grpc;

/// <summary>Giving up, on either side, reaches the other.</summary>
public sealed class CancellationTests
{
    [Fact]
    public async Task A_callers_token_cancels_the_call_on_both_sides()
    {
        await using var server = await EchoServer.StartAsync();
        var (entered, cancelled) = (Waiting.NewSignal(), Waiting.NewSignal());
        server.Handlers.Say = async (words, context) =>
        {
            entered.SetResult();
            await context.CancellationToken.Cancelled();
            cancelled.SetResult();
            throw new OperationCanceledException(context.CancellationToken);
        };
        using var source = new CancellationTokenSource();
        var call = server.NewClient().SayAsync(new Words(), cancellationToken: source.Token);
        await entered.Task.Soon();
        await source.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync.Soon())).StatusCode);
        await cancelled.Task.Soon();
        Assert.Empty(server.Errors);
    }

    [Fact]
    public async Task A_token_that_has_fired_sends_nothing()
    {
        await using var server = await EchoServer.StartAsync();
        var e = await Assert.ThrowsAsync<RpcException>(async () => await server.NewClient().SayAsync(new Words(), cancellationToken: new CancellationToken(canceled: true)));
        Assert.Equal(StatusCode.Cancelled, e.StatusCode);
    }

    [Fact]
    public async Task Disposing_a_stream_stops_the_handler_that_writes_it()
    {
        await using var server = await EchoServer.StartAsync();
        var ended = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        server.Handlers.Repeat = async (request, responses, _) =>
        {
            // The token is not given: the write itself has to notice.
            ended.SetResult(await Record.ExceptionAsync(async () =>
            {
                while (true) await responses.WriteAsync(new Words { Data = request.Data });
            }));
        };
        var call = server.NewClient().Repeat(new RepeatRequest { Data = Google.Protobuf.ByteString.CopyFrom(new byte[64 * 1024]) });
        Assert.True(await call.ResponseStream.MoveNext().Soon());
        call.Dispose();
        Assert.IsAssignableFrom<OperationCanceledException>(await ended.Task.Soon());
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().Soon())).StatusCode);
        Assert.Equal(StatusCode.Cancelled, call.GetStatus().StatusCode);
        Assert.Empty(server.Errors);
    }

    [Fact]
    public async Task Disposing_a_stream_stops_the_handler_that_waits()
    {
        await using var server = await EchoServer.StartAsync();
        var cancelled = Waiting.NewSignal();
        server.Handlers.Repeat = async (_, responses, context) =>
        {
            await responses.WriteAsync(new Words());
            await context.CancellationToken.Cancelled();
            cancelled.SetResult();
        };
        var call = server.NewClient().Repeat(new RepeatRequest());
        Assert.True(await call.ResponseStream.MoveNext().Soon());
        call.Dispose();
        await cancelled.Task.Soon();
    }

    [Fact]
    public async Task Disposing_a_duplex_call_stops_the_handler_that_reads()
    {
        await using var server = await EchoServer.StartAsync();
        var ended = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var entered = Waiting.NewSignal();
        server.Handlers.Chat = async (requests, _, _) =>
        {
            entered.SetResult();
            ended.SetResult(await Record.ExceptionAsync(() => requests.MoveNext(CancellationToken.None)));
            throw ended.Task.Result!;
        };
        var call = server.NewClient().Chat();
        await entered.Task.Soon();
        call.Dispose();
        Assert.NotNull(await ended.Task.Soon());
        await Assert.ThrowsAsync<RpcException>(() => call.RequestStream.WriteAsync(new Words()).Soon());
        Assert.Empty(server.Errors);
    }

    [Fact]
    public async Task A_client_that_gives_up_in_the_middle_does_not_look_as_if_it_were_done()
    {
        await using var server = await EchoServer.StartAsync();
        var client = server.NewClient();
        for (var i = 0; i < 50; i++)
        {
            var first = Waiting.NewSignal();
            var ended = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
            server.Handlers.Join = async (requests, _) =>
            {
                ended.SetResult(await Record.ExceptionAsync(async () =>
                {
                    while (await requests.MoveNext()) first.TrySetResult();
                }));
                return new Words();
            };
            var call = client.Join();
            await call.RequestStream.WriteAsync(new Words());
            await first.Task.Soon();
            call.Dispose();
            Assert.IsAssignableFrom<OperationCanceledException>(await ended.Task.Soon());
        }
    }

    [Fact]
    public async Task A_token_given_to_a_read_cancels_the_call()
    {
        await using var server = await EchoServer.StartAsync();
        var (entered, cancelled) = (Waiting.NewSignal(), Waiting.NewSignal());
        server.Handlers.Repeat = async (_, _, context) =>
        {
            entered.SetResult();
            await context.CancellationToken.Cancelled();
            cancelled.SetResult();
        };
        using var call = server.NewClient().Repeat(new RepeatRequest());
        using var source = new CancellationTokenSource();
        var reading = call.ResponseStream.MoveNext(source.Token);
        await entered.Task.Soon();
        await source.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => reading.Soon())).StatusCode);
        await cancelled.Task.Soon();
    }

    [Fact]
    public async Task A_call_that_the_server_aborts_ends_at_the_client()
    {
        await using var server = await EchoServer.StartAsync();
        server.Handlers.Repeat = async (_, responses, context) =>
        {
            await responses.WriteAsync(new Words());
            context.GetHttpContext().Abort();
            await context.CancellationToken.Cancelled();
        };
        using var call = server.NewClient().Repeat(new RepeatRequest());
        var e = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext().Soon()) { }
        });
        Assert.Contains(e.StatusCode, new[] { StatusCode.Internal, StatusCode.Cancelled });
    }

    [Fact]
    public async Task A_handler_that_says_cancelled_for_its_own_reasons_is_heard()
    {
        await using var server = await EchoServer.StartAsync();
        server.Handlers.Say = (_, _) => throw new OperationCanceledException("my own");
        Assert.Equal(StatusCode.Unknown, (await Assert.ThrowsAsync<RpcException>(async () => await server.NewClient().SayAsync(new Words()))).StatusCode);
        Assert.Single(server.Errors);
    }

    [Fact]
    public async Task A_write_that_is_given_up_stops_waiting_for_the_reader()
    {
        await using var server = await EchoServer.StartAsync();
        var ended = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        server.Handlers.Repeat = async (request, responses, _) =>
        {
            using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            ended.SetResult(await Record.ExceptionAsync(async () =>
            {
                while (true) await responses.WriteAsync(new Words { Data = request.Data }, source.Token);
            }));
        };
        using var call = server.NewClient().Repeat(new RepeatRequest { Data = Google.Protobuf.ByteString.CopyFrom(new byte[64 * 1024]) });
        Assert.IsAssignableFrom<OperationCanceledException>(await ended.Task.Soon());
    }
}
