using Grpc.Core;
using Grpc.Shared;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Grpc.AspNetCore.Server;

/// <summary>Makes an endpoint of every method it is told, and answers for the methods a service does not have.</summary>
internal sealed class EndpointBinder(IEndpointRouteBuilder builder, GrpcServer server, Type serviceType) : ServiceBinderBase
{
    private static readonly string[] Verbs = [HttpMethods.Post];

    public List<IEndpointConventionBuilder> Endpoints { get; } = [];

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
        Add(method, new UnaryCallHandler<TRequest, TResponse>(server, method, handler!));

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler) =>
        Add(method, new ClientStreamingCallHandler<TRequest, TResponse>(server, method, handler!));

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
        Add(method, new ServerStreamingCallHandler<TRequest, TResponse>(server, method, handler!));

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
        Add(method, new DuplexCallHandler<TRequest, TResponse>(server, method, handler!));

    private void Add(IMethod method, ServerCallHandler handler)
    {
        MapUnknown(method.ServiceName);
        Endpoints.Add(Map(RoutePatternFactory.Parse(method.FullName), handler.HandleAsync).WithMetadata(new GrpcMethodMetadata(serviceType, method)).WithDisplayName($"gRPC - {method.FullName}"));
    }

    private void MapUnknown(string service)
    {
        if (server.AddService("")) Map(RoutePatternFactory.Parse("{service}/{method}"), http => RefuseAsync(http, "Service is unimplemented.")).WithDisplayName("gRPC - Unimplemented service");
        if (server.AddService(service)) Map(RoutePatternFactory.Parse($"{service}/{{method}}"), http => RefuseAsync(http, "Method is unimplemented.")).WithDisplayName($"gRPC - Unimplemented method for {service}");
    }

    private IEndpointConventionBuilder Map(RoutePattern pattern, RequestDelegate handler) => builder.Map(pattern, handler).WithMetadata(new HttpMethodMetadata(Verbs));

    private static Task RefuseAsync(HttpContext http, string detail)
    {
        if (GrpcRequest.Refuse(http)) return Task.CompletedTask;
        http.Response.ContentType = GrpcProtocol.ContentType;
        GrpcRequest.SetStatus(http.Response.Headers, new Status(StatusCode.Unimplemented, detail));
        return Task.CompletedTask;
    }
}
