using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Runner.Access;
using Runner.Jobs;
using Runner.Wire;

namespace Runner.Server;

/// <summary>The one place where a call is let in or turned away: after its headers came, before a byte of its body is taken.</summary>
sealed class CallAdmission(Authorizer authorizer, LargeStarts largeStarts, TimeProvider time, ILogger<CallAdmission> logger)
{
    /// <summary>What comes before a message on the wire: a flag and its length.</summary>
    public const int FrameHeader = 5;

    /// <summary>What a request's message may be when nothing larger is allowed for its method.</summary>
    public const int UsualMessage = 64 * 1024;

    /// <summary>The same with what comes before it.</summary>
    public const int UsualBody = UsualMessage + FrameHeader;

    // Below the 4 MiB that clients take by default, so that what was started can be told, with the last lines it wrote.
    private const int LargestStart = 4 * 1024 * 1024 - 256 * 1024 + FrameHeader;

    public async Task HandleAsync(HttpContext http, RequestDelegate next)
    {
        var caller = Callers.OfConnection(http);
        if (http.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method is { } method)
        {
            if (http.Features.Get<CertificateTime>() is not { } certificate || certificate.Until <= time.GetUtcNow())
            {
                logger.CertificateExpired(caller.Name, caller.Role, method.FullName);
                Refuse(http, new RpcException(new Status(StatusCode.Unauthenticated, "the certificate has expired; use a new one on a new connection")));
                http.Response.OnCompleted(() =>
                {
                    http.Features.Get<IConnectionLifetimeFeature>()?.Abort();
                    return Task.CompletedTask;
                });
                return;
            }
            if (!authorizer.Check(method.FullName, caller))
            {
                logger.CallRefused(caller.Name, caller.Role, method.FullName);
                Refuse(http, JobErrors.ToRpc(new JobException(JobError.NotAllowed, $"role {caller.Role.Word()} may not call {method.Name}: must be {Roles.Words(authorizer.WhoMay(method.FullName))}")));
                return;
            }
            logger.CallAllowed(caller.Name, caller.Role, method.FullName);
            var call = new AdmittedCall(caller);
            http.Features.Set(call);
            if (method.FullName is CallRules.StartJob or CallRules.RunJob)
            {
                if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = LargestStart;
                using var place = await largeStarts.EnterAsync(http);
                if (place is null)
                {
                    Refuse(http, JobErrors.ToRpc(new JobException(JobError.Exhausted, "as many large starts as this server has memory for are under way; try again") { Step = "memory" }));
                    return;
                }
                call.LargeStart = place;
                await next(http);
            }
            else
            {
                await next(http);
            }
            if (!call.WasHandled && !http.RequestAborted.IsCancellationRequested) logger.Unreadable(caller.Name, caller.Role, method.FullName);
            return;
        }
        await next(http);
        logger.NotServed(caller.Name, caller.Role);
    }

    /// <summary>Answers with nothing but a status; the transport then resets the stream and drops what still comes of the body.</summary>
    private static void Refuse(HttpContext http, RpcException refusal)
    {
        var headers = http.Response.Headers;
        http.Response.ContentType = "application/grpc";
        headers["grpc-status"] = ((int)refusal.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture);
        headers["grpc-message"] = Uri.EscapeDataString(refusal.Status.Detail);
        foreach (var trailer in refusal.Trailers)
            headers.Append(trailer.Key, trailer.IsBinary ? Convert.ToBase64String(trailer.ValueBytes) : trailer.Value);
    }
}

/// <summary>Stands on a request whose call was let in; without it nobody learns the caller.</summary>
sealed class AdmittedCall(Caller caller)
{
    public Caller Caller { get; } = caller;

    /// <summary>Whether its request could be read, so that its method was called.</summary>
    public bool WasHandled { get; set; }

    /// <summary>What a start holds until its job runs; a call that lasts longer gives it back then.</summary>
    public IDisposable? LargeStart { get; set; }
}
