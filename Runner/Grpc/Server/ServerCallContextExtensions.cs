using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Http;

namespace Grpc.Core;

/// <summary>From a call to the HTTP request it came with.</summary>
internal static class ServerCallContextExtensions
{
    public static HttpContext GetHttpContext(this ServerCallContext serverCallContext) =>
        (serverCallContext as HttpContextServerCallContext)?.HttpContext
        ?? throw new InvalidOperationException("Could not get HttpContext from ServerCallContext.");
}
