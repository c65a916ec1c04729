using System.Net.Sockets;
using Grpc.Core;
using Runner.Access;
using Runner.Jobs;
using Runner.Server;
using Runner.Tests.Grpc;
using Runner.Wire;

namespace Runner.Tests.Server;

/// <summary>What callers may take of the process's descriptors.</summary>
public sealed class ServerLimitsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory, InlineData(1024, 256, 256), InlineData(20_000, 5000, 5000), InlineData(1_048_576, 10_000, 262_144), InlineData(long.MaxValue, 10_000, int.MaxValue)]
    public void Callers_may_take_half_of_the_descriptors(long descriptors, int connections, int followers) =>
        Assert.Equal(new ServerLimits(connections, followers), ServerLimits.Of(descriptors));

    [Fact]
    public async Task Connections_that_say_nothing_leave_no_room_for_more_than_their_number()
    {
        await using var served = await ServedMachine.StartAsync(new(Connections: 3, Followers: 10));
        using TcpClient first = await ConnectAsync(), second = await ConnectAsync(), third = await ConnectAsync();
        using var tooMany = await ConnectAsync();
        Assert.Equal(0, await tooMany.GetStream().ReadAsync(new byte[1], Token).AsTask().Soon());

        async Task<TcpClient> ConnectAsync()
        {
            var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", served.Address.Port, Token);
            return client;
        }
    }

    [Fact]
    public async Task A_caller_that_follows_too_much_is_refused_and_the_others_are_not()
    {
        await using var served = await ServedMachine.StartAsync(new(Connections: 10, Followers: 4));
        var job = served.Machine.Start("/bin/sh", "-c", "echo here; sleep 1000");
        var request = new V1.StreamOutputRequest { Id = job.Record.Id.ToString(), Follow = true };
        var (rita, anna) = (served.Jobs("rita", Role.Reader), served.Jobs("anna", Role.Admin));
        using AsyncServerStreamingCall<V1.StreamOutputResponse> first = await FollowAsync(rita), second = await FollowAsync(rita);
        await AssertFullAsync(rita, "rita follows 2 streams");
        using AsyncServerStreamingCall<V1.StreamOutputResponse> third = await FollowAsync(anna), fourth = await FollowAsync(anna);
        await AssertFullAsync(served.Jobs("rosa", Role.Reader), "4 streams of output are followed");

        async Task<AsyncServerStreamingCall<V1.StreamOutputResponse>> FollowAsync(V1.JobService.JobServiceClient client)
        {
            var call = client.StreamOutput(request, cancellationToken: Token);
            Assert.True(await call.ResponseStream.MoveNext(Token).Soon());
            return call;
        }

        async Task AssertFullAsync(V1.JobService.JobServiceClient client, string sentence)
        {
            using var call = client.StreamOutput(request, cancellationToken: Token);
            var refusal = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Token).Soon());
            Assert.Equal(JobError.Exhausted, JobErrors.FromRpc(refusal)!.Error);
            Assert.Contains(sentence, refusal.Status.Detail);
        }
    }

    [Fact]
    public void What_a_crowd_of_followers_left_is_given_back_though_one_of_them_stays()
    {
        var followers = new Followers(new(Connections: 1, Followers: 1000));
        using var stays = followers.Enter("rita", JobId.New());
        var crowd = Enumerable.Range(0, 200).Select(_ => followers.Enter("rita", JobId.New())).ToList();
        var before = GC.CollectionCount(GC.MaxGeneration);
        foreach (var place in crowd) place.Dispose();
        Assert.InRange(GC.CollectionCount(GC.MaxGeneration), before + 1, int.MaxValue);
    }

    [Fact]
    public void A_follower_that_leaves_makes_room()
    {
        var followers = new Followers(new(Connections: 1, Followers: 2));
        for (var i = 0; i < 10; i++) followers.Enter("rita", JobId.New()).Dispose();
        using var stays = followers.Enter("rita", JobId.New());
        Assert.Throws<JobException>(() => followers.Enter("rita", JobId.New()));
    }
}
