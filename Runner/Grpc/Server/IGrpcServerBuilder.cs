using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server;

/// <summary>For adding to a host that has gRPC.</summary>
internal interface IGrpcServerBuilder
{
    IServiceCollection Services { get; }
}
