using Grpc.Core;
using Grpc.Shared;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Grpc.AspNetCore.Server;

/// <summary>Answers every request for one method with a status, whatever the handler does.</summary>
internal abstract class ServerCallHandler(GrpcServer server, IMethod method)
{
    protected GrpcServer Server { get; } = server;

    public async Task HandleAsync(HttpContext http)
    {
        if (GrpcRequest.Refuse(http)) return;
        using var context = new HttpContextServerCallContext(http, method) { MaxReceiveMessageSize = LargestMessage(http.Features) };
        LiftBodyLimits(http.Features);
        var handling = RunAsync(context);
        if (!handling.IsCompleted && context.DeadlinePassed.CanBeCanceled) await EndAtDeadlineAsync(context, handling).ConfigureAwait(false);
        await handling.ConfigureAwait(false);
        if (!context.HasEnded) await context.EndAsync().ConfigureAwait(false);
    }

    protected abstract Task InvokeAsync(HttpContextServerCallContext context);

    /// <summary>The client gets its answer in time even if the handler does not look at its token.</summary>
    private static async Task EndAtDeadlineAsync(HttpContextServerCallContext context, Task handling)
    {
        var passed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using (context.DeadlinePassed.UnsafeRegister(static passed => ((TaskCompletionSource)passed!).TrySetResult(), passed))
            await Task.WhenAny(handling, passed.Task).ConfigureAwait(false);
        if (handling.IsCompleted) return;
        await context.EndAsync().ConfigureAwait(false);
        await context.HttpContext.Response.CompleteAsync().ConfigureAwait(false);
    }

    private async Task RunAsync(HttpContextServerCallContext context)
    {
        try
        {
            context.StartDeadline();
            if (context.DeadlinePassed.IsCancellationRequested) return;
            await InvokeAsync(context).ConfigureAwait(false);
        }
        catch (RpcException e)
        {
            foreach (var trailer in e.Trailers) context.ResponseTrailers.Add(trailer);
            context.Status = new Status(e.StatusCode, e.Status.Detail);
            if (e.Status.StatusCode == StatusCode.Unimplemented && context.RequestEncoding is not null && !context.HttpContext.Response.HasStarted)
                context.HttpContext.Response.Headers[GrpcProtocol.AcceptEncodingHeader] = GrpcProtocol.IdentityEncoding;
        }
        catch (Exception e) when (IsAboutCancellation(e) && (context.IsClientGone || context.CancellationToken.IsCancellationRequested))
        {
            context.Status = Status.DefaultCancelled;
        }
        catch (Exception e)
        {
            Server.HandlerThrew(method.FullName, e);
            context.Status = new Status(StatusCode.Unknown, Server.EnableDetailedErrors ? $"Exception was thrown by handler. {Describe(e)}" : "Exception was thrown by handler.");
        }
    }

    // A write after the end is an InvalidOperationException.
    private static bool IsAboutCancellation(Exception e) => e is OperationCanceledException or IOException or InvalidOperationException;

    private static string Describe(Exception e) => e.InnerException is { } inner ? $"{e.GetType().Name}: {e.Message} {Describe(inner)}" : $"{e.GetType().Name}: {e.Message}";

    /// <summary>A message that the host would not take whole is refused when its length is announced, not when it has come.</summary>
    private int? LargestMessage(IFeatureCollection features) =>
        features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize - GrpcProtocol.FrameHeaderSize is { } whole && whole < (Server.MaxReceiveMessageSize ?? int.MaxValue)
            ? (int)whole
            : Server.MaxReceiveMessageSize;

    /// <summary>A stream of requests has no end to measure, and may be silent as long as it likes; a single request has neither right.</summary>
    private void LiftBodyLimits(IFeatureCollection features)
    {
        if (method.Type is not (MethodType.ClientStreaming or MethodType.DuplexStreaming)) return;
        if (features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        if (features.Get<Microsoft.AspNetCore.Server.Kestrel.Core.Features.IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null;
    }
}
