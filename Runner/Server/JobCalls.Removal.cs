using Grpc.Core;
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

    public override async Task<V1.PruneJobsResponse> PruneJobs(V1.PruneJobsRequest request, ServerCallContext context)
    {
        var olderThan = request.OlderThan is null ? TimeSpan.Zero : Durations.FromWire("older_than", request.OlderThan);
        var filter = JobFilters.FromWire(request.Filter);
        var removed = await removal.PruneAsync(context.Caller(), filter, olderThan, request.DryRun, context.CancellationToken);
        if (!request.DryRun) logger.Pruned(context.Caller().Name, context.Caller().Role, removed.Jobs, removed.Bytes);
        return new V1.PruneJobsResponse { Jobs = removed.Jobs, Bytes = removed.Bytes, Skipped = removed.Skipped };
    }

    public override Task<V1.PinJobResponse> PinJob(V1.PinJobRequest request, ServerCallContext context)
    {
        var id = JobId.Parse(request.Id);
        Tell(context, id);
        return Task.FromResult(new V1.PinJobResponse { Job = View(jobs.Pin(id, context.Caller(), request.Pinned), context) });
    }
}
