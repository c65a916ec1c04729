using Grpc.Core;
using Runner.Access;

namespace Runner.Server;

/// <summary>Gives a call the caller its connection's handshake established.</summary>
static class Callers
{
    /// <exception cref="InvalidOperationException">The call came over a connection without mutual TLS; nothing may be served there.</exception>
    public static Caller Caller(this ServerCallContext context) =>
        context.GetHttpContext().Features.Get<Caller>() ?? throw new InvalidOperationException("the connection has no verified caller");
}
