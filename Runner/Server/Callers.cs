using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Runner.Access;

namespace Runner.Server;

/// <summary>Gives a call the caller its connection's handshake established.</summary>
static class Callers
{
    /// <exception cref="InvalidOperationException">The call came over a connection without mutual TLS; nothing may be served there.</exception>
    public static Caller Caller(this ServerCallContext context) => Of(context.GetHttpContext());

    /// <exception cref="InvalidOperationException">As above.</exception>
    public static Caller Of(HttpContext context) =>
        context.Features.Get<Caller>() ?? throw new InvalidOperationException("the connection has no verified caller");
}
