using Microsoft.AspNetCore.Http;
using Runner.Access;

namespace Runner.Server;

/// <summary>Gives a request the caller its connection's handshake established.</summary>
static class Callers
{
    /// <exception cref="InvalidOperationException">The request came over a connection without mutual TLS; nothing may be served there.</exception>
    public static Caller Of(HttpContext context) =>
        context.Features.Get<Caller>() ?? throw new InvalidOperationException("the connection has no verified caller");
}
