using Google.Protobuf;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Runner.Tests.Grpc.Echo;

namespace Runner.Tests.Grpc;

/// <summary>What a host gets: endpoints, interceptors, limits, the call's context, and errors that stay inside.</summary>
public sealed class ServerTests
{
    [Fact]
    public async Task Every_method_is_an_endpoint_that_says_so()
    {
        await using var server = await EchoServer.StartAsync();
        var methods = ((IEndpointRouteBuilder)server.App).DataSources.SelectMany(source => source.Endpoints)
            .Select(endpoint => endpoint.Metadata.GetMetadata<GrpcMethodMetadata>()).OfType<GrpcMethodMetadata>().ToList();
        Assert.Equal([RawCall.Chat, RawCall.Join, RawCall.Repeat, RawCall.Say], methods.Select(method => method.Method.FullName).Order());
        Assert.All(methods, method => Assert.Equal(typeof(EchoImpl), method.ServiceType));
        Assert.Equal(MethodType.ServerStreaming, methods.Single(method => method.Method.Name == "Repeat").Method.Type);
    }

    [Fact]
    public async Task Conventions_reach_every_method_and_no_other_endpoint()
    {
        await using var server = await EchoServer.StartAsync(map: app => app.MapGrpcService<EchoImpl>().Add(endpoint => endpoint.Metadata.Add("mark")));
        var endpoints = ((IEndpointRouteBuilder)server.App).DataSources.SelectMany(source => source.Endpoints).ToList();
        Assert.Equal(4, endpoints.Count(endpoint => endpoint.Metadata.GetMetadata<string>() == "mark"));
    }

    [Fact]
    public void A_class_that_is_no_service_is_refused()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddGrpc();
        Assert.Throws<InvalidOperationException>(() => builder.Build().MapGrpcService<Words>());
        Assert.Throws<InvalidOperationException>(() => WebApplication.CreateEmptyBuilder(new WebApplicationOptions()).Build().MapGrpcService<EchoImpl>());
    }

    [Fact]
    public async Task Interceptors_stand_around_every_type_of_call_in_their_order()
    {
        var log = new List<string>();
        await using var server = await EchoServer.StartAsync(
            options =>
            {
                options.Interceptors.Add<Logging>("outer");
                options.Interceptors.Add<Logging>("inner");
            },
            builder => builder.Services.AddSingleton(log));
        var client = server.NewClient();
        await client.SayAsync(new Words());
        await client.Repeat(new RepeatRequest { Times = 1 }).ResponseStream.ReadAllAsync().ToListAsync();
        using var join = client.Join();
        await join.RequestStream.CompleteAsync();
        await join;
        using var chat = client.Chat();
        await chat.RequestStream.CompleteAsync();
        await chat.ResponseStream.ReadAllAsync().ToListAsync();
        Assert.Equal(new[] { RawCall.Say, RawCall.Repeat, RawCall.Join, RawCall.Chat }.SelectMany(method => new[] { $"outer {method}", $"inner {method}" }), log);
    }

    [Fact]
    public async Task A_registered_interceptor_is_used_as_it_is()
    {
        var registered = new Logging([], "registered");
        await using var server = await EchoServer.StartAsync(options => options.Interceptors.Add<Logging>(), builder => builder.Services.AddSingleton(registered));
        await server.NewClient().SayAsync(new Words());
        Assert.Single(registered.Log);
    }

    [Fact]
    public async Task An_interceptor_can_refuse_a_call()
    {
        await using var server = await EchoServer.StartAsync(options => options.Interceptors.Add<Refusing>());
        var called = false;
        server.Handlers.Say = (words, _) =>
        {
            called = true;
            return Task.FromResult(words);
        };
        var e = await Assert.ThrowsAsync<RpcException>(async () => await server.NewClient().SayAsync(new Words()));
        Assert.Equal(new Status(StatusCode.PermissionDenied, "not you"), e.Status);
        Assert.Equal("1", e.Trailers.GetValue("reason"));
        Assert.False(called);
        Assert.Empty(server.Errors);
    }

    [Fact]
    public async Task The_context_knows_the_call_and_the_caller()
    {
        await using var server = await EchoServer.StartAsync();
        ServerCallContext? seen = null;
        (string, string, string, bool, HttpContext)? facts = null;
        server.Handlers.Say = (words, context) =>
        {
            seen = context;
            context.UserState["key"] = "value";
            facts = (context.Method, context.Host, context.Peer, context.AuthContext.IsPeerAuthenticated, context.GetHttpContext());
            return Task.FromResult(words);
        };
        await server.NewClient().SayAsync(new Words());
        var (method, host, peer, authenticated, http) = facts!.Value;
        Assert.Equal(RawCall.Say, method);
        Assert.Equal(new Uri(server.Address).Authority, host);
        Assert.StartsWith("ipv4:127.0.0.1:", peer, StringComparison.Ordinal);
        Assert.False(authenticated);
        Assert.NotNull(http);
        Assert.Equal("value", seen!.UserState["key"]);
    }

    [Theory]
    [InlineData(false, "Exception was thrown by handler.")]
    [InlineData(true, "Exception was thrown by handler. InvalidOperationException: secret ArgumentException: deeper")]
    public async Task An_exception_is_logged_and_told_only_if_asked_for(bool detailed, string detail)
    {
        await using var server = await EchoServer.StartAsync(options => options.EnableDetailedErrors = detailed);
        server.Handlers.Say = (_, _) => throw new InvalidOperationException("secret", new ArgumentException("deeper"));
        var e = await Assert.ThrowsAsync<RpcException>(async () => await server.NewClient().SayAsync(new Words()));
        Assert.Equal(new Status(StatusCode.Unknown, detail), e.Status);
        Assert.Contains("secret", Assert.Single(server.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_that_returns_nothing_is_an_error_of_the_call_only()
    {
        await using var server = await EchoServer.StartAsync();
        server.Handlers.Say = (_, _) => Task.FromResult<Words>(null!);
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(async () => await server.NewClient().SayAsync(new Words()))).StatusCode);
    }

    [Fact]
    public async Task Four_MiB_come_in_by_default_and_one_byte_more_does_not()
    {
        await using var server = await EchoServer.StartAsync();
        server.Handlers.Say = (words, _) => Task.FromResult(new Words { Text = $"{words.CalculateSize()}" });
        var client = server.NewClient();
        Assert.Equal($"{4 * 1024 * 1024}", (await client.SayAsync(OfSize(4 * 1024 * 1024)).ResponseAsync.Soon()).Text);
        var e = await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(OfSize((4 * 1024 * 1024) + 1)).ResponseAsync.Soon());
        Assert.Equal(StatusCode.ResourceExhausted, e.StatusCode);
        Assert.Contains("4194305 of 4194304", e.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Limits_can_be_set_on_both_sides_and_for_both_ways()
    {
        await using var server = await EchoServer.StartAsync(options => (options.MaxReceiveMessageSize, options.MaxSendMessageSize) = (100, 200));
        server.Handlers.Say = (words, _) => Task.FromResult(OfSize(int.Parse(words.Text, System.Globalization.CultureInfo.InvariantCulture)));
        var client = server.NewClient(options => (options.MaxReceiveMessageSize, options.MaxSendMessageSize) = (150, 110));
        await client.SayAsync(new Words { Text = "150" });
        await FailsAsync(new Words { Text = "151" }, "Received message exceeds the maximum configured message size: 151 of 150 bytes.");
        await FailsAsync(new Words { Text = "201" }, "Sending message exceeds the maximum configured message size: 201 of 200 bytes.");
        await FailsAsync(OfSize(101), "Received message exceeds the maximum configured message size: 101 of 100 bytes.");
        await FailsAsync(OfSize(111), "Sending message exceeds the maximum configured message size: 111 of 110 bytes.");

        async Task FailsAsync(Words request, string detail) =>
            Assert.Equal(new Status(StatusCode.ResourceExhausted, detail), (await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(request).ResponseAsync.Soon())).Status);
    }

    [Fact]
    public async Task A_message_over_the_limit_in_a_stream_ends_the_call()
    {
        await using var server = await EchoServer.StartAsync(options => options.MaxReceiveMessageSize = 100);
        using var call = server.NewClient().Join();
        await call.RequestStream.WriteAsync(OfSize(100));

        // The answer may be faster than the rest of the write.
        var write = await Record.ExceptionAsync(() => call.RequestStream.WriteAsync(OfSize(101)));
        Assert.True(write is null or RpcException { StatusCode: StatusCode.ResourceExhausted }, write?.ToString());
        Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync.Soon())).StatusCode);
        Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => call.RequestStream.WriteAsync(new Words()).Soon())).StatusCode);
    }

    [Fact]
    public async Task Without_limits_a_message_may_be_larger_than_any_window()
    {
        await using var server = await EchoServer.StartAsync(
            options => options.MaxReceiveMessageSize = null,
            builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null));
        var large = OfSize(40 * 1024 * 1024);
        Assert.Equal(large, await server.NewClient(options => options.MaxReceiveMessageSize = null).SayAsync(large).ResponseAsync.Soon());
    }

    [Fact]
    public async Task Messages_that_may_wait_go_with_the_next()
    {
        await using var server = await EchoServer.StartAsync();
        server.Handlers.Repeat = async (_, responses, context) =>
        {
            responses.WriteOptions = new WriteOptions(WriteFlags.BufferHint);
            for (var i = 0; i < 100; i++) await responses.WriteAsync(new Words { Text = $"{i}" });
            Assert.Same(responses.WriteOptions, context.WriteOptions);
        };
        using var call = server.NewClient().Repeat(new RepeatRequest());
        Assert.Equal(100, (await call.ResponseStream.ReadAllAsync().ToListAsync()).Count);
    }

    [Fact]
    public async Task A_second_write_before_the_first_is_done_is_refused()
    {
        await using var server = await EchoServer.StartAsync();
        var refused = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        server.Handlers.Repeat = async (request, responses, _) =>
        {
            // The client does not read, so one of them waits.
            Task first;
            do first = responses.WriteAsync(new Words { Data = request.Data });
            while (first.IsCompleted);
            refused.SetResult(await Record.ExceptionAsync(() => responses.WriteAsync(new Words())));
            await first;
        };
        using var call = server.NewClient().Repeat(new RepeatRequest { Data = ByteString.CopyFrom(new byte[1024 * 1024]) });
        Assert.IsType<InvalidOperationException>(await refused.Task.Soon());
        Assert.True(await call.ResponseStream.MoveNext().Soon());
    }

    private static Words OfSize(int size)
    {
        // One byte for the tag, and as many as the length needs.
        var words = new Words { Data = ByteString.CopyFrom(new byte[size - 1 - CodedOutputStream.ComputeLengthSize(size - 1)]) };
        if (words.CalculateSize() < size) words.Data = ByteString.CopyFrom(new byte[words.Data.Length + size - words.CalculateSize()]);
        Assert.Equal(size, words.CalculateSize());
        return words;
    }

    /// <summary>Writes down what it sees.</summary>
    internal sealed class Logging(List<string> log, string name) : Interceptor
    {
        public List<string> Log => log;

        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            log.Add($"{name} {context.Method}");
            return continuation(request, context);
        }

        public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
        {
            log.Add($"{name} {context.Method}");
            return continuation(requestStream, context);
        }

        public override Task ServerStreamingServerHandler<TRequest, TResponse>(TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
        {
            log.Add($"{name} {context.Method}");
            return continuation(request, responseStream, context);
        }

        public override Task DuplexStreamingServerHandler<TRequest, TResponse>(IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation)
        {
            log.Add($"{name} {context.Method}");
            return continuation(requestStream, responseStream, context);
        }
    }

    /// <summary>Lets nobody through.</summary>
    internal sealed class Refusing : Interceptor
    {
        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
            throw new RpcException(new Status(StatusCode.PermissionDenied, "not you"), new Metadata { { "reason", "1" } });
    }
}
