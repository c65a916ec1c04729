using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps gRPC services to a host's endpoints.</summary>
internal static class GrpcEndpointRouteBuilderExtensions
{
    /// <summary>Every method of the service is an endpoint with <see cref="GrpcMethodMetadata"/>; one instance handles all calls.</summary>
    public static GrpcServiceEndpointConventionBuilder MapGrpcService<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TService>(
        this IEndpointRouteBuilder builder)
        where TService : class
    {
        var server = builder.ServiceProvider.GetService<GrpcServer>() ?? throw new InvalidOperationException("Call AddGrpc on the host's services first.");
        var (binding, baseType) = FindBinding(typeof(TService));

        // The trimmer keeps this method because the attribute's constructor asks for it.
        var bind = binding.BindType.GetMethod(
            binding.BindMethodName, BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static, [typeof(ServiceBinderBase), baseType])
            ?? throw new InvalidOperationException($"{binding.BindType} has no {binding.BindMethodName} for {baseType}.");
        var binder = new EndpointBinder(builder, server, typeof(TService));
        bind.Invoke(null, [binder, ActivatorUtilities.GetServiceOrCreateInstance<TService>(builder.ServiceProvider)]);
        return new GrpcServiceEndpointConventionBuilder(binder.Endpoints);
    }

    private static (BindServiceMethodAttribute Binding, Type BaseType) FindBinding(Type service)
    {
        for (var type = service; type is not null; type = type.BaseType)
            if (type.GetCustomAttribute<BindServiceMethodAttribute>(inherit: false) is { } binding)
                return (binding, type);
        throw new InvalidOperationException($"{service} is no gRPC service: it has no generated base class.");
    }
}

/// <summary>Adds conventions to all methods of a service.</summary>
internal sealed class GrpcServiceEndpointConventionBuilder(IReadOnlyList<IEndpointConventionBuilder> endpoints) : IEndpointConventionBuilder
{
    public void Add(Action<EndpointBuilder> convention)
    {
        foreach (var endpoint in endpoints) endpoint.Add(convention);
    }

    public void Finally(Action<EndpointBuilder> finallyConvention)
    {
        foreach (var endpoint in endpoints) endpoint.Finally(finallyConvention);
    }
}
