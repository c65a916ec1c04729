using Grpc.Core;
using Runner.Tests.Grpc.Echo;

namespace Runner.Tests.Grpc;

/// <summary>Headers and trailers, as a collection and over the wire.</summary>
public sealed class MetadataTests
{
    [Fact]
    public async Task Headers_go_both_ways_and_trailers_come_at_the_end()
    {
        await using var server = await EchoServer.StartAsync();
        server.Handlers.Say = async (words, context) =>
        {
            await context.WriteResponseHeadersAsync(new Metadata { { "back", context.RequestHeaders.GetValue("there")! }, { "back-bin", context.RequestHeaders.GetValueBytes("there-bin")! } });
            context.ResponseTrailers.Add("last", "1");
            context.ResponseTrailers.Add("last", "2");
            context.ResponseTrailers.Add("last-bin", [0xff]);
            return words;
        };
        using var call = server.NewClient().SayAsync(new Words(), new Metadata { { "There", "value" }, { "there-bin", [0, 1, 254, 255] } });
        var headers = await call.ResponseHeadersAsync.Soon();
        Assert.Equal("value", headers.GetValue("back"));
        Assert.Equal([0, 1, 254, 255], headers.GetValueBytes("back-bin")!);
        await call.ResponseAsync.Soon();
        Assert.Equal(["1", "2"], call.GetTrailers().GetAll("last").Select(entry => entry.Value));
        Assert.Equal([0xff], call.GetTrailers().GetValueBytes("last-bin")!);
        Assert.Null(call.GetTrailers().Get("grpc-status"));
    }

    [Fact]
    public async Task Headers_can_be_had_before_the_first_message()
    {
        await using var server = await EchoServer.StartAsync();
        var go = Waiting.NewSignal();
        server.Handlers.Repeat = async (_, responses, context) =>
        {
            await context.WriteResponseHeadersAsync(new Metadata { { "ready", "yes" } });
            await go.Task;
            await responses.WriteAsync(new Words());
        };
        using var call = server.NewClient().Repeat(new RepeatRequest());
        Assert.Equal("yes", (await call.ResponseHeadersAsync.Soon()).GetValue("ready"));
        Assert.Throws<InvalidOperationException>(() => call.GetStatus());
        Assert.Throws<InvalidOperationException>(() => call.GetTrailers());
        go.SetResult();
        Assert.True(await call.ResponseStream.MoveNext().Soon());
    }

    [Fact]
    public async Task Headers_are_sent_once()
    {
        await using var server = await EchoServer.StartAsync();
        server.Handlers.Say = async (words, context) =>
        {
            await context.WriteResponseHeadersAsync([]);
            await Assert.ThrowsAsync<InvalidOperationException>(() => context.WriteResponseHeadersAsync([]));
            return words;
        };
        await server.NewClient().SayAsync(new Words());
    }

    [Fact]
    public async Task A_failure_brings_its_message_and_its_trailers_whatever_is_in_them()
    {
        await using var server = await EchoServer.StartAsync();
        const string Message = " 50 % of \u00e4\u00f6\u00fc \U0001f600\r\nand more ";
        byte[] details = [.. Enumerable.Range(0, 300).Select(i => (byte)i)];
        server.Handlers.Say = (_, _) => throw new RpcException(new Status(StatusCode.FailedPrecondition, Message), new Metadata { { "grpc-status-details-bin", details } });
        using var call = server.NewClient().SayAsync(new Words());
        var e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync.Soon());
        Assert.Equal(StatusCode.FailedPrecondition, e.StatusCode);
        Assert.Equal(Message, e.Status.Detail);
        Assert.Equal(details, e.Trailers.GetValueBytes("grpc-status-details-bin"));
        Assert.Equal(details, call.GetTrailers().GetValueBytes("grpc-status-details-bin"));
        Assert.Equal(e.Status, call.GetStatus());
    }

    [Fact]
    public async Task Trailers_come_after_a_stream_that_failed()
    {
        await using var server = await EchoServer.StartAsync();
        server.Handlers.Repeat = async (_, responses, context) =>
        {
            await responses.WriteAsync(new Words { Text = "one" });
            context.ResponseTrailers.Add("who", "me");
            context.Status = new Status(StatusCode.DataLoss, "lost");
        };
        using var call = server.NewClient().Repeat(new RepeatRequest());
        Assert.True(await call.ResponseStream.MoveNext().Soon());
        var e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().Soon());
        Assert.Equal(new Status(StatusCode.DataLoss, "lost"), e.Status);
        Assert.Equal("me", e.Trailers.GetValue("who"));
    }

    [Fact]
    public async Task A_trailer_that_is_no_header_still_leaves_a_status()
    {
        await using var server = await EchoServer.StartAsync();
        server.Handlers.Say = (words, context) =>
        {
            context.ResponseTrailers.Add("name", "größe");
            return Task.FromResult(words);
        };
        Assert.Equal(StatusCode.Internal, (await Assert.ThrowsAsync<RpcException>(() => server.NewClient().SayAsync(new Words()).ResponseAsync.Soon())).StatusCode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("with space")]
    [InlineData("größe")]
    [InlineData(":path")]
    public void A_key_with_other_characters_is_refused(string key) => Assert.Throws<ArgumentException>(() => new Metadata { { key, "value" } });

    [Fact]
    public void A_key_says_whether_its_value_is_binary()
    {
        Assert.Throws<ArgumentException>(() => new Metadata { { "key-bin", "text" } });
        Assert.Throws<ArgumentException>(() => new Metadata { { "key", [1] } });
        var metadata = new Metadata { { "Key", "text" }, { "key-BIN", [1] } };
        Assert.Equal(["key", "key-bin"], metadata.Select(entry => entry.Key));
        Assert.Equal("text"u8.ToArray(), metadata[0].ValueBytes);
        Assert.Throws<InvalidOperationException>(() => metadata[1].Value);
    }

    [Fact]
    public void The_last_entry_of_a_key_counts()
    {
        var metadata = new Metadata { { "key", "1" }, { "KEY", "2" } };
        Assert.Equal("2", metadata.GetValue("Key"));
        Assert.Null(metadata.GetValue("other"));
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Add("key", "value"));
    }
}
