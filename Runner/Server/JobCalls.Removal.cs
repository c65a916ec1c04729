using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Runner.Access;
using Runner.Jobs;
using Runner.Wire;

namespace Runner.Server;

/// <summary>The part of the job API that is about what is kept.</summary>
sealed partial class JobCalls
{
    public override Task<V1.RemoveJobResponse> RemoveJob(V1.RemoveJobRequest request, ServerCallContext context)
    {
        var id = JobId.Parse(request.Id);
        Tell(context, id);
        return Task.FromResult(new V1.RemoveJobResponse { Bytes = removal.Remove(id, context.Caller()) });
    }

    public override Task<V1.RemoveOutputResponse> RemoveOutput(V1.RemoveOutputRequest request, ServerCallContext context)
    {
        var id = JobId.Parse(request.Id);
        Tell(context, id);
        return Task.FromResult(new V1.RemoveOutputResponse { Bytes = removal.Remove(id, context.Caller(), RemovalScope.Output) });
    }

    public override async Task<V1.PruneJobsResponse> PruneJobs(V1.PruneJobsRequest request, ServerCallContext context)
    {
        var removed = await PruneAsync(RemovalScope.Job, request.Filter, request.OlderThan, request.DryRun, context);
        if (!request.DryRun) logger.Pruned(context.Caller().Name, context.Caller().Role, removed.Jobs, removed.Bytes);
        return new V1.PruneJobsResponse { Jobs = removed.Jobs, Bytes = removed.Bytes, Skipped = removed.Skipped };
    }

    public override async Task<V1.PruneOutputResponse> PruneOutput(V1.PruneOutputRequest request, ServerCallContext context)
    {
        var removed = await PruneAsync(RemovalScope.Output, request.Filter, request.OlderThan, request.DryRun, context);
        if (!request.DryRun) logger.OutputPruned(context.Caller().Name, context.Caller().Role, removed.Jobs, removed.Bytes);
        return new V1.PruneOutputResponse { Jobs = removed.Jobs, Bytes = removed.Bytes, Skipped = removed.Skipped };
    }

    private Task<Removed> PruneAsync(RemovalScope scope, V1.JobFilter? filter, Duration? olderThan, bool dryRun, ServerCallContext context) => removal.PruneAsync(
        context.Caller(), JobFilters.FromWire(filter), olderThan is null ? TimeSpan.Zero : Durations.FromWire("older_than", olderThan), dryRun, context.CancellationToken, scope);

    public override Task<V1.PinJobResponse> PinJob(V1.PinJobRequest request, ServerCallContext context)
    {
        var id = JobId.Parse(request.Id);
        Tell(context, id);
        return Task.FromResult(new V1.PinJobResponse { Job = View(jobs.Pin(id, context.Caller(), request.Pinned), context) });
    }
    /// <exception cref="JobException">The caller may start jobs, but not keep them from being pruned.</exception>
    private static void MayPin(Caller caller)
    {
        if (!CallRules.Authorizer.Check(CallRules.PinJob, caller))
            throw new JobException(JobError.NotAllowed, $"role {caller.Role.Word()} may not pin jobs: must be {Roles.Words(CallRules.Authorizer.WhoMay(CallRules.PinJob))}");
    }
}
