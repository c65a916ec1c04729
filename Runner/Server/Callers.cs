using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Runner.Access;

namespace Runner.Server;

/// <summary>Gives a call the caller its connection's handshake established.</summary>
static class Callers
{
    /// <exception cref="InvalidOperationException">The call was never let in (<see cref="CallAdmission"/>); nothing may be done for it.</exception>
    public static Caller Caller(this ServerCallContext context) =>
        context.GetHttpContext().Features.Get<AdmittedCall>()?.Caller ?? throw new InvalidOperationException("the call was not let in");

    /// <exception cref="InvalidOperationException">The connection has no mutual TLS; nothing may be served there.</exception>
    public static Caller OfConnection(HttpContext context) =>
        context.Features.Get<Caller>() ?? throw new InvalidOperationException("the connection has no verified caller");
}
