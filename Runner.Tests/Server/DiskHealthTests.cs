using Grpc.Core;
using Grpc.Health.V1;
using Runner.Access;
using Runner.Server;
using Runner.Tests.Support;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace Runner.Tests.Server;

/// <summary>That a disk is full is told to whoever watches, while calls are still answered.</summary>
public sealed class DiskHealthTests
{
    [Fact]
    public async Task A_full_disk_is_told_by_a_health_service_of_its_own_and_by_the_servers_facts()
    {
        var none = TestContext.Current.CancellationToken;
        var disk = new PlayedDisk();
        await using var served = await ServedMachine.StartAsync(disk: disk);
        var channel = served.Channel("anna", Role.Reader);
        var health = new Health.HealthClient(channel);
        using var watch = health.Watch(new() { Service = DiskHealth.Service }, deadline: DateTime.UtcNow.AddSeconds(60), cancellationToken: none);
        Assert.Equal(ServingStatus.Serving, await NextAsync());

        disk.FreeBytes = PlayedDisk.Mebibyte;
        Assert.Equal(ServingStatus.NotServing, await NextAsync());
        Assert.Equal(ServingStatus.Serving, (await health.CheckAsync(new() { Service = "" }, cancellationToken: none)).Status);
        var info = await new V1.ServerService.ServerServiceClient(channel).GetInfoAsync(new(), cancellationToken: none);
        Assert.Equal((PlayedDisk.Mebibyte, 50 * PlayedDisk.Mebibyte, 0, 0), (info.DiskFreeBytes, info.DiskReserveBytes, info.HeldBackJobs, info.WaitingEnds));
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await served.Jobs("bert", Role.Writer).StartJobAsync(new() { Spec = new() { Command = "true" } }, cancellationToken: none));
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);

        disk.FreeBytes = 500 * PlayedDisk.Mebibyte;
        Assert.Equal(ServingStatus.Serving, await NextAsync());
        Assert.Single(served.Log.Lines, line => line.Contains("has no room: 1 MiB free, 50 MiB are kept", StringComparison.Ordinal));

        async Task<ServingStatus> NextAsync()
        {
            Assert.True(await watch.ResponseStream.MoveNext(none));
            return watch.ResponseStream.Current.Status;
        }
    }
}
