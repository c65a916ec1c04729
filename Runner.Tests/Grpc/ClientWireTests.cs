using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Runner.Tests.Grpc.Echo;

namespace Runner.Tests.Grpc;

/// <summary>What the client makes of answers that are not as they should be, and of servers that are not there.</summary>
public sealed class ClientWireTests
{
    private static readonly byte[] Hello = RawCall.Frame(new Words { Text = "hello" });

    [Theory]
    [InlineData(400, nameof(StatusCode.Internal))]
    [InlineData(401, nameof(StatusCode.Unauthenticated))]
    [InlineData(403, nameof(StatusCode.PermissionDenied))]
    [InlineData(404, nameof(StatusCode.Unimplemented))]
    [InlineData(429, nameof(StatusCode.Unavailable))]
    [InlineData(502, nameof(StatusCode.Unavailable))]
    [InlineData(503, nameof(StatusCode.Unavailable))]
    [InlineData(504, nameof(StatusCode.Unavailable))]
    [InlineData(418, nameof(StatusCode.Unknown))]
    [InlineData(500, nameof(StatusCode.Unknown))]
    public async Task An_HTTP_error_becomes_a_status(int http, string code)
    {
        await using var server = await OddServer.StartAsync([], status: null, http, "text/plain");
        var e = await SayFailsAsync(server);
        Assert.Equal(new Status(Enum.Parse<StatusCode>(code), $"Bad gRPC response. HTTP status code: {http}"), e.Status);
    }

    [Fact]
    public async Task A_status_in_the_headers_counts_more_than_the_HTTP_error()
    {
        await using var server = await OddServer.StartAsync(context =>
        {
            context.Response.StatusCode = 503;
            context.Response.Headers["grpc-status"] = "7";
            return Task.CompletedTask;
        });
        Assert.Equal(StatusCode.PermissionDenied, (await SayFailsAsync(server)).StatusCode);
    }

    [Theory]
    [InlineData("text/html")]
    [InlineData(null)]
    public async Task Another_content_type_is_no_answer(string? contentType)
    {
        await using var server = await OddServer.StartAsync(Hello, "0", contentType: contentType);
        Assert.Equal(StatusCode.Unknown, (await SayFailsAsync(server)).StatusCode);
    }

    [Theory]
    [InlineData(null, nameof(StatusCode.Internal))]
    [InlineData("what", nameof(StatusCode.Unknown))]
    [InlineData("99", nameof(StatusCode.Unknown))]
    [InlineData("5", nameof(StatusCode.NotFound))]
    public async Task An_answer_without_a_good_status_is_an_error_even_with_a_message(string? status, string code)
    {
        await using var server = await OddServer.StartAsync(Hello, status);
        Assert.Equal(code, $"{(await SayFailsAsync(server)).StatusCode}");
    }

    [Fact]
    public async Task A_good_status_without_a_message_is_an_error_of_a_unary_call_only()
    {
        await using var server = await OddServer.StartAsync([], "0");
        Assert.Equal(StatusCode.Internal, (await SayFailsAsync(server)).StatusCode);
        using var call = server.NewClient().Repeat(new RepeatRequest());
        Assert.False(await call.ResponseStream.MoveNext().Soon());
        Assert.False(await call.ResponseStream.MoveNext().Soon());
    }

    [Fact]
    public async Task Two_messages_are_an_error_of_a_unary_call()
    {
        await using var server = await OddServer.StartAsync([.. Hello, .. Hello], "0");
        Assert.Equal(StatusCode.Internal, (await SayFailsAsync(server)).StatusCode);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(8)]
    public async Task A_message_that_is_cut_off_is_an_error(int length)
    {
        await using var server = await OddServer.StartAsync(Hello[..length], "0");
        Assert.Equal(new Status(StatusCode.Internal, "Incomplete message."), (await SayFailsAsync(server)).Status);
    }

    [Fact]
    public async Task An_announced_length_over_the_limit_is_refused()
    {
        await using var server = await OddServer.StartAsync(RawCall.Frame(new Words(), length: uint.MaxValue), "0");
        Assert.Equal(StatusCode.ResourceExhausted, (await SayFailsAsync(server)).StatusCode);
    }

    [Fact]
    public async Task A_compressed_message_is_an_error()
    {
        await using var server = await OddServer.StartAsync(RawCall.Frame(new Words(), flag: 1), "0");
        Assert.Equal(StatusCode.Internal, (await SayFailsAsync(server)).StatusCode);
    }

    [Theory]
    [InlineData(0x0, nameof(StatusCode.Unavailable))]
    [InlineData(0x2, nameof(StatusCode.Internal))]
    [InlineData(0x8, nameof(StatusCode.Cancelled))]
    [InlineData(0xb, nameof(StatusCode.ResourceExhausted))]
    [InlineData(0xc, nameof(StatusCode.PermissionDenied))]
    public async Task A_stream_that_is_reset_says_why(int http2Error, string code)
    {
        await using var server = await OddServer.StartAsync(context =>
        {
            context.Features.GetRequiredFeature<IHttpResetFeature>().Reset(http2Error);
            return Task.CompletedTask;
        });
        Assert.Equal(code, $"{(await SayFailsAsync(server)).StatusCode}");
    }

    [Fact]
    public async Task A_request_says_what_it_is()
    {
        HeaderDictionary? seen = null;
        await using var server = await OddServer.StartAsync(context =>
        {
            seen = new HeaderDictionary(context.Request.Headers.ToDictionary(StringComparer.OrdinalIgnoreCase));
            context.Response.Headers["grpc-status"] = "1";
            return Task.CompletedTask;
        });
        await Assert.ThrowsAsync<RpcException>(() => server.NewClient().SayAsync(new Words(), deadline: DateTime.UtcNow.AddSeconds(10)).ResponseAsync.Soon());
        Assert.Equal("application/grpc", seen!["content-type"]);
        Assert.Equal("trailers", seen["te"]);
        Assert.Equal("identity", seen["grpc-accept-encoding"]);
        Assert.Matches("^[0-9]{1,8}[num]$", seen["grpc-timeout"].ToString());
        Assert.StartsWith("grpc-", seen["user-agent"].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_unavailable_and_the_reason_is_told()
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{UnusedPort()}");
        var client = new EchoService.EchoServiceClient(channel);
        var e = await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(new Words()).ResponseAsync.Soon());
        Assert.Equal(StatusCode.Unavailable, e.StatusCode);
        Assert.Contains("Connection refused", e.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(SocketError.ConnectionRefused, Assert.IsType<SocketException>(e.GetBaseException()).SocketErrorCode);
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => client.Repeat(new RepeatRequest()).ResponseStream.MoveNext().Soon())).StatusCode);
        using var join = client.Join();
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => join.RequestStream.WriteAsync(new Words()).Soon())).StatusCode);
        using var chat = client.Chat();
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => chat.RequestStream.WriteAsync(new Words()).Soon())).StatusCode);
    }

    [Fact]
    public async Task A_handshake_that_fails_is_unavailable_and_the_reason_can_be_had()
    {
        await using var server = await EchoServer.StartAsync();
        using var handler = new SocketsHttpHandler();
        using var channel = GrpcChannel.ForAddress(server.Address, new GrpcChannelOptions { HttpHandler = handler });
        var e = await Assert.ThrowsAsync<RpcException>(() => new EchoService.EchoServiceClient(channel).SayAsync(new Words()).ResponseAsync.Soon());
        Assert.Equal(StatusCode.Unavailable, e.StatusCode);
        Assert.IsType<AuthenticationException>(e.GetBaseException());
    }

    [Fact]
    public async Task A_server_that_goes_away_makes_its_calls_unavailable()
    {
        await using var server = await EchoServer.StartAsync();
        var entered = Waiting.NewSignal();
        server.Handlers.Repeat = async (_, responses, context) =>
        {
            await responses.WriteAsync(new Words());
            entered.SetResult();
            context.GetHttpContext().Features.GetRequiredFeature<Microsoft.AspNetCore.Connections.Features.IConnectionLifetimeFeature>().Abort();
        };
        using var call = server.NewClient().Repeat(new RepeatRequest());
        var e = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext().Soon()) { }
        });
        Assert.Equal(StatusCode.Unavailable, e.StatusCode);
    }

    [Fact]
    public async Task A_server_that_shuts_down_makes_its_calls_unavailable()
    {
        await using var server = await EchoServer.StartAsync();
        server.Handlers.Repeat = async (_, responses, context) =>
        {
            await responses.WriteAsync(new Words());
            await context.CancellationToken.Cancelled();
        };
        using var call = server.NewClient().Repeat(new RepeatRequest());
        Assert.True(await call.ResponseStream.MoveNext().Soon());
        var reading = Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().Soon());
        using var atOnce = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await server.App.StopAsync(atOnce.Token);
        var e = await reading;
        Assert.Equal(StatusCode.Unavailable, e.StatusCode);
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => server.NewClient().SayAsync(new Words()).ResponseAsync.Soon())).StatusCode);
    }

    [Fact]
    public async Task A_stream_that_the_server_ends_early_tells_the_writer()
    {
        await using var server = await EchoServer.StartAsync();
        server.Handlers.Join = (_, _) => throw new RpcException(new Status(StatusCode.FailedPrecondition, "enough"));
        using var call = server.NewClient().Join();
        Assert.Equal("enough", (await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync.Soon())).Status.Detail);
        Assert.Equal("enough", (await Assert.ThrowsAsync<RpcException>(() => call.RequestStream.WriteAsync(new Words()).Soon())).Status.Detail);
    }

    [Fact]
    public async Task There_is_no_writing_after_the_end()
    {
        await using var server = await EchoServer.StartAsync();
        using var call = server.NewClient().Join();
        await call.RequestStream.WriteAsync(new Words { Text = "a" });
        await call.RequestStream.CompleteAsync();
        await call.RequestStream.CompleteAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => call.RequestStream.WriteAsync(new Words()));
        Assert.Equal("a", (await call.ResponseAsync.Soon()).Text);
    }

    [Fact]
    public async Task A_disposed_channel_makes_no_calls()
    {
        await using var server = await EchoServer.StartAsync();
        var channel = server.NewChannel();
        var client = new EchoService.EchoServiceClient(channel);
        await client.SayAsync(new Words());
        channel.Dispose();
        Assert.Throws<ObjectDisposedException>(() => client.SayAsync(new Words()));
    }

    [Fact]
    public async Task A_channel_can_go_through_a_client_of_ones_own()
    {
        await using var server = await EchoServer.StartAsync();
        using var http = new HttpClient(server.NewHandler());
        using var channel = GrpcChannel.ForAddress(server.Address, new GrpcChannelOptions { HttpClient = http });
        using var call = new EchoService.EchoServiceClient(channel).Repeat(new RepeatRequest { Times = -1 });
        Assert.True(await call.ResponseStream.MoveNext().Soon());
        Assert.Throws<ArgumentException>(() => GrpcChannel.ForAddress(server.Address, new GrpcChannelOptions { HttpClient = http, HttpHandler = new SocketsHttpHandler() }));
    }

    [Fact]
    public async Task Interceptors_stand_around_a_clients_calls_in_their_order()
    {
        await using var server = await EchoServer.StartAsync();
        server.Handlers.Say = (_, context) => Task.FromResult(new Words { Text = string.Join(' ', context.RequestHeaders.GetAll("by").Select(entry => entry.Value)) });
        var client = new EchoService.EchoServiceClient(server.NewChannel().Intercept(new Signing("outer"), new Signing("inner")));
        // HttpClient puts two headers of a name into one.
        Assert.Equal("outer, inner", (await client.SayAsync(new Words())).Text);
        Assert.Equal("outer, inner", client.Say(new Words()).Text);
    }

    private static Task<RpcException> SayFailsAsync(OddServer server) => Assert.ThrowsAsync<RpcException>(() => server.NewClient().SayAsync(new Words()).ResponseAsync.Soon());

    private static int UnusedPort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Adds its name to the headers.</summary>
    private sealed class Signing(string name) : Interceptor
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation) =>
            continuation(request, Sign(context));

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(TRequest request, ClientInterceptorContext<TRequest, TResponse> context, BlockingUnaryCallContinuation<TRequest, TResponse> continuation) =>
            continuation(request, Sign(context));

        private ClientInterceptorContext<TRequest, TResponse> Sign<TRequest, TResponse>(ClientInterceptorContext<TRequest, TResponse> context)
            where TRequest : class
            where TResponse : class
        {
            var headers = new Metadata();
            foreach (var entry in context.Options.Headers ?? Metadata.Empty) headers.Add(entry);
            headers.Add("by", name);
            return new(context.Method, context.Host, context.Options.WithHeaders(headers));
        }
    }
}
