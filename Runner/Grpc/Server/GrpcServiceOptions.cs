using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server;

/// <summary>What is the same for every gRPC service of a server.</summary>
internal sealed class GrpcServiceOptions
{
    /// <summary>Null for no limit.</summary>
    public int? MaxSendMessageSize { get; set; }

    /// <summary>4 MiB by default; null for no limit.</summary>
    public int? MaxReceiveMessageSize { get; set; } = Shared.GrpcProtocol.DefaultMaxReceiveMessageSize;

    /// <summary>Tells callers what exception a handler threw.</summary>
    public bool? EnableDetailedErrors { get; set; }

    public InterceptorCollection Interceptors { get; } = [];
}

/// <summary>The interceptors of a server; the first of them sees a call first.</summary>
internal sealed class InterceptorCollection : IReadOnlyCollection<InterceptorRegistration>
{
    private readonly List<InterceptorRegistration> _registrations = [];

    public int Count => _registrations.Count;

    public void Add<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TInterceptor>(params object[] args)
        where TInterceptor : Interceptor =>
        _registrations.Add(new InterceptorRegistration(typeof(TInterceptor), args));

    public IEnumerator<InterceptorRegistration> GetEnumerator() => _registrations.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>One interceptor that a server will have.</summary>
internal sealed class InterceptorRegistration([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type type, object[] arguments)
{
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)]
    public Type Type { get; } = type;

    public IReadOnlyList<object> Arguments { get; } = arguments;

    /// <summary>The registered one if the services have one and no arguments are given.</summary>
    internal Interceptor Create(IServiceProvider services) =>
        (Interceptor)(Arguments.Count == 0 ? ActivatorUtilities.GetServiceOrCreateInstance(services, Type) : ActivatorUtilities.CreateInstance(services, Type, [.. Arguments]));
}
