using Google.Protobuf;
using Grpc.Core;
using Runner.Tests.Grpc.Echo;

namespace Runner.Tests.Grpc;

/// <summary>The four types of calls over TLS, with what goes along with them.</summary>
public sealed class CallTests
{
    private static CancellationToken Limit => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_unary_call_brings_the_answer()
    {
        await using var server = await EchoServer.StartAsync();
        var client = server.NewClient();
        Assert.Equal("hello", (await client.SayAsync(new Words { Text = "hello" }, cancellationToken: Limit)).Text);
        Assert.Equal("again", client.Say(new Words { Text = "again" }, cancellationToken: Limit).Text);
    }

    [Fact]
    public async Task A_server_stream_brings_every_message_in_order()
    {
        await using var server = await EchoServer.StartAsync();
        var data = ByteString.CopyFrom([.. Enumerable.Range(0, 64 * 1024).Select(i => (byte)i)]);
        using var call = server.NewClient().Repeat(new RepeatRequest { Data = data, Times = 200 }, cancellationToken: Limit);
        var next = 0;
        await foreach (var words in call.ResponseStream.ReadAllAsync(Limit))
        {
            Assert.Equal($"{next++}", words.Text);
            Assert.Equal(data, words.Data);
        }

        Assert.Equal(200, next);
        Assert.Equal(Status.DefaultSuccess, call.GetStatus());
    }

    [Fact]
    public async Task A_client_stream_brings_one_answer()
    {
        await using var server = await EchoServer.StartAsync();
        using var call = server.NewClient().Join(cancellationToken: Limit);
        foreach (var text in new[] { "a", "b", "c" }) await call.RequestStream.WriteAsync(new Words { Text = text }, Limit);
        await call.RequestStream.CompleteAsync();
        Assert.Equal("abc", (await call).Text);
    }

    [Fact]
    public async Task A_duplex_call_that_the_server_ends_early_tells_its_status_after_a_write_has_failed()
    {
        await using var server = await EchoServer.StartAsync();
        server.Handlers.Chat = (_, _, _) => throw new RpcException(new Status(StatusCode.FailedPrecondition, "enough"));
        for (var i = 0; i < 20; i++)
        {
            using var call = server.NewClient().Chat();
            var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            {
                while (true) await call.RequestStream.WriteAsync(new Words { Text = "more" }).Soon();
            });
            Assert.Contains(refused.StatusCode, new[] { StatusCode.Cancelled, StatusCode.Unavailable, StatusCode.FailedPrecondition });
            if (refused.StatusCode is not StatusCode.Cancelled) continue;
            Assert.Equal(StatusCode.FailedPrecondition, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().Soon())).StatusCode);
        }
    }

    [Fact]
    public async Task A_duplex_call_answers_each_message_before_the_next_is_sent()
    {
        await using var server = await EchoServer.StartAsync();
        using var call = server.NewClient().Chat(cancellationToken: Limit);
        for (var i = 0; i < 10; i++)
        {
            await call.RequestStream.WriteAsync(new Words { Text = $"{i}" }, Limit);
            Assert.True(await call.ResponseStream.MoveNext(Limit));
            Assert.Equal($"{i}", call.ResponseStream.Current.Text);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(Limit));
    }
}
