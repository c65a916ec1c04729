using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Runner.Certificates;
using Runner.Client;
using Runner.Jobs;
using Runner.Tests.Server;

namespace Runner.Tests.Client;

public sealed class SilentServerTests : IDisposable
{
    private readonly TlsWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task A_listener_that_never_answers_is_unreachable_and_not_a_cancelled_call()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var profile = new ClientProfile(
            new Uri($"https://{silent.LocalEndpoint}"), _world.Folder.At(CertificateFolder.Admin), null, _world.Folder.At(CertificateFolder.ServerAuthority));
        var handler = ClientTls.CreateHandler(profile);
        handler.ConnectTimeout = TimeSpan.FromMilliseconds(100);
        using var channel = GrpcChannel.ForAddress(profile.Server, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        using var call = new V1.JobService.JobServiceClient(channel).GetJobAsync(new(), cancellationToken: TestContext.Current.CancellationToken);
        var e = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal(StatusCode.Unavailable, e.StatusCode);
        Assert.Contains("did not answer in time", ConnectionTrouble.Explain(e, profile));
    }

    [Theory, InlineData(false, "closed the connection; it may not accept"), InlineData(true, "went away during the call")]
    public void A_request_that_was_cancelled_because_its_connection_broke_is_the_connections_trouble(bool hasAnswered, string words)
    {
        var profile = new ClientProfile(new Uri("https://127.0.0.1:7443"), "admin.pem", null, "server-ca.pem");
        var e = new RpcException(new Status(StatusCode.Cancelled, "A task was canceled.", new TaskCanceledException()));
        Assert.Contains(words, ConnectionTrouble.Explain(e, profile, hasAnswered));
        Assert.True(ConnectionTrouble.IsBroken(e));
    }

    [Theory, InlineData("GetJob", 45), InlineData("ListJobs", 45), InlineData("GetInfo", 45), InlineData("StartJob", 60), InlineData("SignalJob", 45), InlineData("WaitJob", null), InlineData("StopJob", null)]
    public async Task A_server_has_a_time_to_answer_in_unless_the_answer_waits_for_a_job(string method, int? seconds)
    {
        string? sent = null;
        await using var server = await _world.ServeAsync(context =>
        {
            sent = context.Request.Headers["grpc-timeout"];
            context.Refuse((int)StatusCode.DeadlineExceeded);
            return Task.CompletedTask;
        });
        using var client = new RunnerClient(_world.Profile(server));
        var e = await Assert.ThrowsAsync<ServerUnreachableException>(() => CallAsync(client, method));
        Assert.Equal(seconds is null, string.IsNullOrEmpty(sent));
        if (seconds is { } limit) Assert.Equal($"server 127.0.0.1:{server.Port} did not answer within {limit} s; is it up?", e.Message);
    }

    [Fact]
    public async Task A_server_that_says_cancelled_has_cancelled_nothing_for_the_caller()
    {
        await using var server = await _world.ServeAsync(context =>
        {
            context.Refuse((int)StatusCode.Cancelled);
            return Task.CompletedTask;
        });
        using var client = new RunnerClient(_world.Profile(server));
        await Assert.ThrowsAsync<ServerUnreachableException>(() => client.GetAsync(JobId.New(), CancellationToken.None));
    }

    [Fact]
    public async Task A_caller_that_gives_up_gets_a_cancelled_call()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await _world.ServeAsync(async context =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });
        using var client = new RunnerClient(_world.Profile(server));
        using var giveUp = new CancellationTokenSource();
        var call = client.GetAsync(JobId.New(), giveUp.Token);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    private static Task CallAsync(RunnerClient client, string method)
    {
        var id = JobId.New();
        var none = CancellationToken.None;
        return method switch
        {
            "GetJob" => client.GetAsync(id, none),
            "GetInfo" => client.InfoAsync(none),
            "StartJob" => client.StartAsync(id, new JobSpec { Command = "true" }, none),
            "WaitJob" => client.WaitAsync(id, none),
            "StopJob" => client.StopAsync(id, null, 0, none),
            "SignalJob" => client.SignalAsync(id, 15, false, none),
            _ => client.ListAsync(JobFilter.None, 100, none).GetAsyncEnumerator(none).MoveNextAsync().AsTask(),
        };
    }
}
