using Grpc.Core;
using Grpc.Shared;

namespace Grpc.AspNetCore.Server;

/// <summary>What the four types of calls share: reading and writing messages of the method's types.</summary>
internal abstract class ServerCallHandler<TRequest, TResponse>(GrpcServer server, Method<TRequest, TResponse> method) : ServerCallHandler(server, method)
    where TRequest : class
    where TResponse : class
{
    protected MessageReader<TRequest> Reader(HttpContextServerCallContext context) =>
        new(context.HttpContext.Request.BodyReader, method.RequestMarshaller, context.MaxReceiveMessageSize, context.RequestEncoding);

    protected MessageWriter<TResponse> Writer(HttpContextServerCallContext context) =>
        new(context.HttpContext.Response.BodyWriter, method.ResponseMarshaller, Server.MaxSendMessageSize);

    /// <exception cref="RpcException">There is none, or more than one.</exception>
    protected async Task<TRequest> ReadOnlyMessageAsync(HttpContextServerCallContext context)
    {
        var reader = Reader(context);
        var request = await context.ReadAsync(reader, context.TransportToken).ConfigureAwait(false)
            ?? throw new RpcException(new Status(StatusCode.Internal, "Incomplete message."));
        return await context.ReadAsync(reader, context.TransportToken).ConfigureAwait(false) is null
            ? request
            : throw new RpcException(new Status(StatusCode.Internal, "Additional data after the message received."));
    }

    protected Task WriteOnlyMessageAsync(HttpContextServerCallContext context, TResponse? response) =>
        context.WriteAsync(Writer(context), response ?? throw new RpcException(new Status(StatusCode.Cancelled, "No message returned from method.")), flush: false, CancellationToken.None);
}

/// <summary>One request, one response.</summary>
internal sealed class UnaryCallHandler<TRequest, TResponse> : ServerCallHandler<TRequest, TResponse>
    where TRequest : class
    where TResponse : class
{
    private readonly UnaryServerMethod<TRequest, TResponse> _handler;

    public UnaryCallHandler(GrpcServer server, Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse> handler)
        : base(server, method) =>
        _handler = server.Interceptors.Reverse().Aggregate(handler, (next, interceptor) => (request, context) => interceptor.UnaryServerHandler(request, context, next));

    protected override async Task InvokeAsync(HttpContextServerCallContext context)
    {
        var request = await ReadOnlyMessageAsync(context).ConfigureAwait(false);
        await WriteOnlyMessageAsync(context, await _handler(request, context).ConfigureAwait(false)).ConfigureAwait(false);
    }
}

/// <summary>A stream of requests, one response.</summary>
internal sealed class ClientStreamingCallHandler<TRequest, TResponse> : ServerCallHandler<TRequest, TResponse>
    where TRequest : class
    where TResponse : class
{
    private readonly ClientStreamingServerMethod<TRequest, TResponse> _handler;

    public ClientStreamingCallHandler(GrpcServer server, Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse> handler)
        : base(server, method) =>
        _handler = server.Interceptors.Reverse().Aggregate(handler, (next, interceptor) => (requests, context) => interceptor.ClientStreamingServerHandler(requests, context, next));

    protected override async Task InvokeAsync(HttpContextServerCallContext context)
    {
        var requests = new ServerStreamReader<TRequest>(context, Reader(context));
        await WriteOnlyMessageAsync(context, await _handler(requests, context).ConfigureAwait(false)).ConfigureAwait(false);
    }
}

/// <summary>One request, a stream of responses.</summary>
internal sealed class ServerStreamingCallHandler<TRequest, TResponse> : ServerCallHandler<TRequest, TResponse>
    where TRequest : class
    where TResponse : class
{
    private readonly ServerStreamingServerMethod<TRequest, TResponse> _handler;

    public ServerStreamingCallHandler(GrpcServer server, Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse> handler)
        : base(server, method) =>
        _handler = server.Interceptors.Reverse().Aggregate(
            handler, (next, interceptor) => (request, responses, context) => interceptor.ServerStreamingServerHandler(request, responses, context, next));

    protected override async Task InvokeAsync(HttpContextServerCallContext context)
    {
        var request = await ReadOnlyMessageAsync(context).ConfigureAwait(false);
        await _handler(request, new ServerStreamWriter<TResponse>(context, Writer(context)), context).ConfigureAwait(false);
    }
}

/// <summary>A stream each way.</summary>
internal sealed class DuplexCallHandler<TRequest, TResponse> : ServerCallHandler<TRequest, TResponse>
    where TRequest : class
    where TResponse : class
{
    private readonly DuplexStreamingServerMethod<TRequest, TResponse> _handler;

    public DuplexCallHandler(GrpcServer server, Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse> handler)
        : base(server, method) =>
        _handler = server.Interceptors.Reverse().Aggregate(
            handler, (next, interceptor) => (requests, responses, context) => interceptor.DuplexStreamingServerHandler(requests, responses, context, next));

    protected override Task InvokeAsync(HttpContextServerCallContext context) =>
        _handler(new ServerStreamReader<TRequest>(context, Reader(context)), new ServerStreamWriter<TResponse>(context, Writer(context)), context);
}
