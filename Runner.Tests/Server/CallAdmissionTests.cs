using System.Buffers.Binary;
using Google.Protobuf;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Health.V1;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Runner.Access;
using Runner.Jobs;
using Runner.Server;
using Runner.Tests.Grpc;
using Runner.Tests.Support;
using Runner.Wire;

namespace Runner.Tests.Server;

/// <summary>Who is let in, and what may be sent before that is settled.</summary>
public sealed class CallAdmissionTests
{
    private const string StartJob = "/runner.v1.JobService/StartJob";
    private const string GetJob = "/runner.v1.JobService/GetJob";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_call_that_is_not_allowed_is_refused_before_its_body_has_come()
    {
        await using var served = await ServedMachine.StartAsync();
        using var request = served.Post(StartJob, new EndlessContent(Announce(3 << 20, sent: 1 << 16)));
        using var answer = await served.Http("rita", Role.Reader).SendAsync(request, Token).Soon();
        Assert.Equal("7", Assert.Single(answer.Headers.GetValues("grpc-status")));
        Assert.Contains((LogLevel.Warning, $"rita (Reader) was refused {StartJob}"), served.Log.Entries);
    }

    [Fact]
    public async Task A_refusal_says_what_is_missing_as_every_other_error_does()
    {
        await using var served = await ServedMachine.StartAsync();
        var call = served.Jobs("rita", Role.Reader).StartJobAsync(new V1.StartJobRequest(), cancellationToken: Token);
        var refusal = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync.Soon());
        Assert.Equal((StatusCode.PermissionDenied, "role reader may not call StartJob: must be user, writer or admin"), (refusal.StatusCode, refusal.Status.Detail));
        Assert.Equal(JobError.NotAllowed, JobErrors.FromRpc(refusal)!.Error);
    }

    [Theory]
    [InlineData(GetJob, 100_000)]
    [InlineData(GetJob, 4 << 20)]
    [InlineData("/grpc.health.v1.Health/Check", 4 << 20)]
    [InlineData("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", 4 << 20)]
    public async Task A_request_that_need_not_be_large_is_refused_once_it_announces_to_be(string path, int size)
    {
        await using var served = await ServedMachine.StartAsync();
        using var request = served.Post(path, new EndlessContent(Announce(size, sent: 1000)));
        using var answer = await served.Http("rita", Role.Reader).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token).Soon();
        Assert.Equal("8", Assert.Single(answer.Headers.GetValues("grpc-status")));
    }

    [Fact]
    public async Task A_start_may_be_large()
    {
        await using var served = await ServedMachine.StartAsync();
        var spec = new V1.JobSpec { Command = "/bin/true" };
        for (var i = 0; i < 36; i++) spec.Args.Add(new string('x', 100 * 1024));
        var call = served.Jobs("uwe", Role.User).StartJobAsync(new V1.StartJobRequest { Spec = spec }, cancellationToken: Token);

        // Whether Linux takes that many arguments is its business.
        if (await Record.ExceptionAsync(() => call.ResponseAsync.Soon()) is RpcException e) Assert.Equal(JobError.CannotStart, JobErrors.FromRpc(e)!.Error);
    }

    [Fact]
    public async Task A_request_that_stops_half_way_is_given_up()
    {
        await using var served = await ServedMachine.StartAsync();
        using var request = served.Post(GetJob, new EndlessContent(Announce(1000, sent: 10)));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => served.Http("rita", Role.Reader).SendAsync(request, Token).Soon());
    }

    [Fact]
    public async Task A_connection_ends_with_every_call_on_it_when_its_certificate_does()
    {
        await using var served = await ServedMachine.StartAsync();
        var job = served.Machine.Start("/bin/sh", "-c", "echo here; sleep 1000");
        var soon = DateTimeOffset.UtcNow.AddSeconds(8);
        var certificate = served.Clients.IssueClient("rita", Role.Reader, 1, soon.AddDays(-1));
        var jobs = new V1.JobService.JobServiceClient(served.Channel(served.Handler(certificate)));
        using var call = jobs.StreamOutput(new V1.StreamOutputRequest { Id = job.Record.Id.ToString(), Follow = true }, cancellationToken: Token);
        Assert.True(await call.ResponseStream.MoveNext(Token).Soon());
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Token).Soon())).StatusCode);
        Assert.True(DateTimeOffset.UtcNow >= soon.AddSeconds(-1));
    }

    [Fact]
    public async Task A_call_after_the_certificate_s_time_is_not_let_in_though_the_connection_stands()
    {
        var log = new CapturedLog();
        var admission = new CallAdmission(CallRules.Authorizer, LargeStarts.Of(1), TimeProvider.System, new Logger<CallAdmission>(log));
        var http = new DefaultHttpContext();
        http.Features.Set(new Caller("rita", Role.Reader));
        http.Features.Set(new CertificateTime(DateTimeOffset.UtcNow.AddSeconds(-1)));
        var method = new Method<V1.GetJobRequest, V1.GetJobResponse>(MethodType.Unary, "runner.v1.JobService", "GetJob", null!, null!);
        http.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(new GrpcMethodMetadata(typeof(JobCalls), method)), null));
        await admission.HandleAsync(http, _ => throw new InvalidOperationException("was let in"));
        Assert.Equal("16", http.Response.Headers["grpc-status"]);
        Assert.Contains("has expired", Assert.Single(log.Lines));
    }

    private static byte[] Announce(int size, int sent)
    {
        var frame = new byte[5 + sent];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), size);
        return frame;
    }
}
