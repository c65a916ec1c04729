using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;
using Runner.Jobs;
using Runner.Wire;

namespace Runner.Server;

/// <summary>The one place where what went wrong in a call becomes what goes back. Handles only calls that <see cref="CallAdmission"/> let in.</summary>
sealed class CallGate(Drain drain, ILogger<CallGate> logger) : Interceptor
{
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        Pass(context, () => continuation(request, context));

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        Pass(context, () => continuation(requestStream, context));

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        Pass(context, () => Nothing(Draining(context, continuation(request, responseStream, context))));

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        Pass(context, () => Nothing(Draining(context, continuation(requestStream, responseStream, context))));

    private async Task<T> Pass<T>(ServerCallContext context, Func<Task<T>> call)
    {
        try
        {
            context.Admitted().WasHandled = true;
            return await call();
        }
        catch (JobException e)
        {
            throw JobErrors.ToRpc(e);
        }
        catch (OperationCanceledException) when (drain.HasBegun && !context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "the server is being replaced by another one; call again"));
        }
        catch (OperationCanceledException)
        {
            // Nobody else but the caller cancels a call. A write may learn that it left before the call's token does.
            throw new RpcException(new Status(StatusCode.Cancelled, "the caller went away"));
        }
        catch (OutOfMemoryException e)
        {
            logger.CallFailed(e, context.Method);
            throw JobErrors.ToRpc(new JobException(JobError.Exhausted, "the server has no memory for this call now; try again later, or ask for less", e) { Step = "memory" });
        }
        catch (Exception e) when (e is StoreException or IOException)
        {
            if (context.CancellationToken.IsCancellationRequested) throw; // a write to somebody who left
            logger.CallFailed(e, context.Method);
            throw JobErrors.ToRpc(new JobException(JobError.OsError, e.Message, e) { Step = e is StoreException ? "store" : "output" });
        }
        catch (Exception e) when (e is not RpcException)
        {
            logger.CallFailed(e, context.Method);
            throw JobErrors.ToRpc(new JobException(JobError.OsError, "the server failed at this call; its log says more", e));
        }
    }

    /// <summary>Our own streams end by themselves; those of the standard services last as long as their callers like.</summary>
    private Task Draining(ServerCallContext context, Task call) =>
        context.Method.StartsWith("/runner.", StringComparison.Ordinal) ? call : call.WaitAsync(drain.Waiting);

    private static async Task<bool> Nothing(Task call)
    {
        await call;
        return true;
    }
}
