using Grpc.Core;
using Grpc.Health.V1;
using Grpc.HealthCheck;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace Runner.Tests.Grpc;

/// <summary>The standard health service.</summary>
public sealed class HealthTests
{
    private readonly HealthServiceImpl _health = new();

    [Fact]
    public async Task A_check_tells_what_was_set()
    {
        await using var server = await StartAsync();
        var client = new Health.HealthClient(server.NewChannel());
        _health.SetStatus("", ServingStatus.Serving);
        _health.SetStatus("a", ServingStatus.NotServing);
        Assert.Equal(ServingStatus.Serving, (await client.CheckAsync(new HealthCheckRequest())).Status);
        Assert.Equal(ServingStatus.NotServing, (await client.CheckAsync(new HealthCheckRequest { Service = "a" })).Status);
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(async () => await client.CheckAsync(new HealthCheckRequest { Service = "b" }))).StatusCode);
        _health.ClearStatus("a");
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(async () => await client.CheckAsync(new HealthCheckRequest { Service = "a" }))).StatusCode);
    }

    [Fact]
    public async Task A_watcher_is_told_now_and_at_every_change()
    {
        await using var server = await StartAsync();
        using var watch = new Health.HealthClient(server.NewChannel()).Watch(new HealthCheckRequest { Service = "a" });
        await NextIsAsync(ServingStatus.ServiceUnknown);
        _health.SetStatus("b", ServingStatus.Serving);
        _health.SetStatus("a", ServingStatus.Serving);
        await NextIsAsync(ServingStatus.Serving);
        _health.SetStatus("a", ServingStatus.Serving);
        _health.SetStatus("a", ServingStatus.NotServing);
        await NextIsAsync(ServingStatus.NotServing);
        _health.ClearAll();
        await NextIsAsync(ServingStatus.ServiceUnknown);

        async Task NextIsAsync(ServingStatus status)
        {
            Assert.True(await watch.ResponseStream.MoveNext().Soon());
            Assert.Equal(status, watch.ResponseStream.Current.Status);
        }
    }

    [Fact]
    public async Task Watchers_come_and_go_without_a_trace()
    {
        await using var server = await StartAsync();
        var client = new Health.HealthClient(server.NewChannel());
        for (var i = 0; i < 10; i++)
        {
            using var watch = client.Watch(new HealthCheckRequest { Service = "a" });
            Assert.True(await watch.ResponseStream.MoveNext().Soon());
        }

        _health.SetStatus("a", ServingStatus.Serving);
        Assert.Equal(ServingStatus.Serving, (await client.CheckAsync(new HealthCheckRequest { Service = "a" })).Status);
        Assert.Empty(server.Errors);
    }

    [Fact]
    public async Task A_name_that_no_service_can_have_is_refused()
    {
        await using var server = await StartAsync();
        var client = new Health.HealthClient(server.NewChannel());
        var request = new HealthCheckRequest { Service = new string('x', 257) };
        Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(async () => await client.CheckAsync(request))).StatusCode);
        using var watch = client.Watch(request);
        Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => watch.ResponseStream.MoveNext().Soon())).StatusCode);
        Assert.Empty(server.Errors);
    }

    private Task<EchoServer> StartAsync() => EchoServer.StartAsync(build: builder => builder.Services.AddSingleton(_health), map: app => app.MapGrpcService<HealthServiceImpl>());
}
