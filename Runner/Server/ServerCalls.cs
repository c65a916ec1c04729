using Grpc.Core;
using Runner.Access;
using Runner.Jobs;

namespace Runner.Server;

/// <summary>What a server tells of itself.</summary>
/// <param name="Version">Of this program.</param>
/// <param name="CgroupLayout">"v2", "hybrid" or "v1".</param>
sealed record ServerFacts(string Version, string CgroupLayout);

/// <summary>The API about the server itself.</summary>
sealed class ServerCalls(JobRegistry jobs, ServerFacts facts) : V1.ServerService.ServerServiceBase
{
    public override Task<V1.GetInfoResponse> GetInfo(V1.GetInfoRequest request, ServerCallContext context)
    {
        var caller = context.Caller();
        return Task.FromResult(new V1.GetInfoResponse
        {
            Version = facts.Version,
            HostName = Environment.MachineName,
            CgroupLayout = facts.CgroupLayout,
            CallerName = caller.Name,
            CallerRole = caller.Role.Word(),
            RunningJobs = jobs.RunningCount(caller),
        });
    }
}
