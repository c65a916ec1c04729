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
        var (caller, disk) = (context.Caller(), jobs.Disk());
        var info = new V1.GetInfoResponse
        {
            Version = facts.Version,
            HostName = Environment.MachineName,
            CgroupLayout = facts.CgroupLayout,
            CallerName = caller.Name,
            CallerRole = caller.Role.Word(),
            RunningJobs = jobs.RunningCount(caller),
            DiskReserveBytes = disk.Space?.ReserveBytes ?? 0,
            HeldBackJobs = disk.HeldBack,
            WaitingEnds = disk.WaitingEnds,
        };
        if (disk.Space is { Bytes: > 0 } space) info.DiskFreeBytes = space.FreeBytes;
        return Task.FromResult(info);
    }
}
