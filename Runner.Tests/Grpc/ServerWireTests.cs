using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Runner.Tests.Grpc.Echo;

namespace Runner.Tests.Grpc;

/// <summary>What the server answers to requests that are not as they should be.</summary>
public sealed class ServerWireTests
{
    private static readonly byte[] Hello = RawCall.Frame(new Words { Text = "hello" });

    [Fact]
    public async Task A_good_call_has_headers_one_message_and_trailers()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        var answer = await RawCall.SendAsync(server, RawCall.Say, Hello);
        Assert.Equal(HttpStatusCode.OK, answer.Http);
        Assert.Equal(Hello, answer.Body);
        Assert.Equal("0", answer.Trailers["grpc-status"]);
        Assert.False(answer.Headers.ContainsKey("grpc-status"));
        Assert.Null(answer.Message);
    }

    [Theory]
    [InlineData("application/grpc+proto")]
    [InlineData("application/grpc;charset=utf-8")]
    [InlineData("Application/GRPC")]
    public async Task A_grpc_content_type_with_an_addition_is_good(string contentType)
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        Assert.Equal("0", (await RawCall.SendAsync(server, RawCall.Say, Hello, contentType)).Status);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/grpc-web")]
    [InlineData("application/grpcx")]
    [InlineData(null)]
    public async Task Another_content_type_is_415(string? contentType)
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        var answer = await RawCall.SendAsync(server, RawCall.Say, Hello, contentType);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.Http);
        Assert.True(answer.IsTrailersOnly);
        Assert.Equal("13", answer.Status);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task Another_verb_is_405(string verb)
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        using var request = RawCall.Request(server, RawCall.Say, Hello);
        request.Method = new HttpMethod(verb);
        if (verb == "GET") request.Content = null;
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await RawCall.SendAsync(server, request)).Http);
    }

    [Fact]
    public async Task HTTP_1_is_told_to_upgrade()
    {
        await using var server = await EchoServer.StartAsync(tls: false, protocols: HttpProtocols.Http1);
        using var request = RawCall.Request(server, RawCall.Say, Hello);
        request.Version = HttpVersion.Version11;
        var answer = await RawCall.SendAsync(server, request);
        Assert.Equal(HttpStatusCode.UpgradeRequired, answer.Http);
        Assert.Equal("13", answer.Status);
    }

    [Theory]
    [InlineData("/runner.tests.echo.EchoService/Shout", "Method is unimplemented.")]
    [InlineData("/no.such.Service/Say", "Service is unimplemented.")]
    public async Task An_unknown_method_is_unimplemented(string path, string message)
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        var answer = await RawCall.SendAsync(server, path, Hello);
        Assert.Equal(HttpStatusCode.OK, answer.Http);
        Assert.True(answer.IsTrailersOnly);
        Assert.Equal("12", answer.Status);
        Assert.Equal(message, answer.Message);
    }

    [Theory]
    [InlineData(RawCall.Say)]
    [InlineData(RawCall.Join)]
    [InlineData(RawCall.Chat)]
    [InlineData(RawCall.Repeat)]
    public async Task A_message_that_is_cut_off_is_an_internal_error(string path)
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        foreach (var length in new[] { 1, 4, 5, Hello.Length - 1 })
        {
            var answer = await RawCall.SendAsync(server, path, Hello[..length]);
            Assert.Equal("13", answer.Status);
            Assert.Equal("Incomplete message.", answer.Message);
            Assert.True(answer.IsTrailersOnly);
        }
    }

    [Fact]
    public async Task No_message_on_a_unary_call_is_an_internal_error()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        Assert.Equal("13", (await RawCall.SendAsync(server, RawCall.Say, [])).Status);
        Assert.Equal("13", (await RawCall.SendAsync(server, RawCall.Repeat, [])).Status);
        Assert.Equal("0", (await RawCall.SendAsync(server, RawCall.Join, [])).Status);
    }

    [Fact]
    public async Task Two_messages_on_a_unary_call_are_an_internal_error_and_the_handler_is_not_called()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        var called = false;
        server.Handlers.Say = (words, _) =>
        {
            called = true;
            return Task.FromResult(words);
        };
        var answer = await RawCall.SendAsync(server, RawCall.Say, [.. Hello, .. Hello]);
        Assert.Equal("13", answer.Status);
        Assert.Equal("Additional data after the message received.", answer.Message);
        Assert.False(called);
    }

    [Fact]
    public async Task An_announced_length_over_the_limit_is_refused_before_the_message_comes()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        var answer = await RawCall.SendAsync(server, RawCall.Say, RawCall.Frame(new Words(), length: uint.MaxValue));
        Assert.Equal("8", answer.Status);
        Assert.True(answer.IsTrailersOnly);
    }

    [Fact]
    public async Task Bytes_that_are_no_message_are_an_internal_error()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        Assert.Equal("13", (await RawCall.SendAsync(server, RawCall.Say, [0, 0, 0, 0, 2, 0xff, 0xff])).Status);
    }

    [Theory]
    [InlineData(1, null, "13")]
    [InlineData(1, "identity", "13")]
    [InlineData(1, "gzip", "12")]
    [InlineData(2, "gzip", "13")]
    [InlineData(0, "gzip", "0")]
    public async Task A_compressed_message_is_refused_with_what_would_be_accepted(byte flag, string? encoding, string status)
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        var answer = await RawCall.SendAsync(server, RawCall.Say, RawCall.Frame(new Words(), flag), headers: encoding is null ? [] : [("grpc-encoding", encoding)]);
        Assert.Equal(status, answer.Status);
        Assert.Equal(status == "12" ? "identity" : null, answer.Headers.GetValueOrDefault("grpc-accept-encoding"));
    }

    [Theory]
    [InlineData("soon")]
    [InlineData("1")]
    [InlineData("123456789S")]
    [InlineData("-1S")]
    public async Task A_timeout_that_is_none_is_an_internal_error(string timeout)
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        Assert.Equal("13", (await RawCall.SendAsync(server, RawCall.Say, Hello, headers: ("grpc-timeout", timeout))).Status);
    }

    [Fact]
    public async Task The_longest_timeout_is_good()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        Assert.Equal("0", (await RawCall.SendAsync(server, RawCall.Say, Hello, headers: ("grpc-timeout", "99999999H"))).Status);
    }

    [Fact]
    public async Task A_failure_before_the_first_message_is_trailers_only_with_its_message_encoded()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        server.Handlers.Say = (_, _) => throw new RpcException(new Status(StatusCode.NotFound, "100 % größer\n"), new Metadata { { "which", "this" }, { "grpc-status-details-bin", [1, 2, 3, 4] } });
        var answer = await RawCall.SendAsync(server, RawCall.Say, Hello);
        Assert.True(answer.IsTrailersOnly);
        Assert.Equal("5", answer.Status);
        Assert.Equal("100 %25 gr%C3%B6%C3%9Fer%0A", answer.Message);
        Assert.Equal("this", answer.Headers["which"]);
        Assert.Equal("AQIDBA==", answer.Headers["grpc-status-details-bin"]);
    }

    [Fact]
    public async Task A_failure_after_the_first_message_is_in_the_trailers()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        server.Handlers.Repeat = async (_, responses, _) =>
        {
            await responses.WriteAsync(new Words { Text = "hello" });
            throw new RpcException(new Status(StatusCode.Aborted, "no more"));
        };
        var answer = await RawCall.SendAsync(server, RawCall.Repeat, RawCall.Frame(new RepeatRequest()));
        Assert.Equal(Hello, answer.Body);
        Assert.Equal("10", answer.Trailers["grpc-status"]);
        Assert.Equal("no more", answer.Trailers["grpc-message"]);
    }

    [Theory]
    [InlineData("AQID")]
    [InlineData("AQIDBA")]
    [InlineData("AQIDBA==")]
    public async Task A_binary_header_is_read_with_and_without_padding(string value)
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        byte[]? seen = null;
        server.Handlers.Say = (words, context) =>
        {
            seen = context.RequestHeaders.GetValueBytes("some-bin");
            return Task.FromResult(words);
        };
        await RawCall.SendAsync(server, RawCall.Say, Hello, headers: ("some-bin", value));
        Assert.Equal(value.Length == 4 ? [1, 2, 3] : [1, 2, 3, 4], seen);
    }

    [Fact]
    public async Task Metadata_has_none_of_the_protocols_own_headers()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        string[] seen = [];
        server.Handlers.Say = (words, context) =>
        {
            seen = [.. context.RequestHeaders.Select(entry => entry.Key)];
            return Task.FromResult(words);
        };
        await RawCall.SendAsync(server, RawCall.Say, Hello, headers: [("te", "trailers"), ("grpc-timeout", "1H"), ("mine", "1")]);
        Assert.Equal(["mine"], seen);
    }

    [Fact]
    public async Task A_stream_of_single_bytes_is_put_together()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        using var request = RawCall.Request(server, RawCall.Join, []);
        request.Content = new DripContent([.. Hello, .. Hello]);
        request.Content.Headers.TryAddWithoutValidation("content-type", "application/grpc");
        var answer = await RawCall.SendAsync(server, request);
        Assert.Equal("hellohello", Words.Parser.ParseFrom(answer.Body.AsSpan(5)).Text);
    }

    /// <summary>Every byte in a frame of its own.</summary>
    private sealed class DripContent(byte[] bytes) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            foreach (var b in bytes)
            {
                await stream.WriteAsync(new[] { b });
                await stream.FlushAsync();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
