using Grpc.Core;
using Runner.Access;
using Runner.Jobs;
using Runner.Tests.Grpc;
using Runner.Tests.Support;
using Runner.Wire;

namespace Runner.Tests.Server;

/// <summary>One call from a job's start to its end.</summary>
public sealed class RunJobTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_run_answers_when_the_job_has_started_and_when_it_has_ended_and_closes()
    {
        await using var served = await ServedMachine.StartAsync();
        var request = new V1.RunJobRequest { Spec = Shell("seq 20; echo trouble >&2; exit 3") };
        using var call = served.Jobs("uwe", Role.User).RunJob(request, cancellationToken: Token);
        var (started, ended) = (await NextAsync(call), await NextAsync(call));
        Assert.Equal((V1.RunJobResponse.EventOneofCase.Started, V1.RunJobResponse.EventOneofCase.Ended), (started.EventCase, ended.EventCase));
        Assert.Equal((started.Started.Id, "uwe", started.Started.Pid), (ended.Ended.Job.Id, ended.Ended.Job.Owner, ended.Ended.Job.Pid));
        Assert.Equal((V1.EndReason.Exited, 3), (ended.Ended.Job.Ended.Reason, ended.Ended.Job.Ended.Code));
        Assert.Equal(string.Concat(Enumerable.Range(11, 10).Select(line => $"{line}\n")), ended.Ended.StdoutTail.ToStringUtf8());
        Assert.Equal("trouble\n", ended.Ended.StderrTail.ToStringUtf8());
        Assert.False(await call.ResponseStream.MoveNext(Token).Soon());
    }

    [Fact]
    public async Task A_run_whose_caller_goes_away_goes_on_and_can_be_joined_again()
    {
        await using var served = await ServedMachine.StartAsync();
        var wanda = served.Jobs("wanda", Role.Writer);
        var request = new V1.RunJobRequest { Id = JobId.New().ToString(), Spec = Shell("trap 'exit 7' TERM; echo ready; sleep 1000 & wait"), TailLines = 1 };
        var first = wanda.RunJob(request, cancellationToken: Token);
        var pid = (await NextAsync(first)).Started.Pid;
        first.Dispose();

        using var again = wanda.RunJob(request, cancellationToken: Token);
        var joined = (await NextAsync(again)).Started;
        Assert.Equal((request.Id, pid, V1.Job.StateOneofCase.Running), (joined.Id, joined.Pid, joined.StateCase));
        await Machine.FirstLineAsync(served.Machine.Jobs.Find(JobId.Parse(request.Id), Machine.Admin).Stdout);
        await wanda.StopJobAsync(new V1.StopJobRequest { Id = request.Id }, cancellationToken: Token).ResponseAsync.Soon();
        var ended = (await NextAsync(again)).Ended;
        Assert.Equal((V1.EndReason.Stopped, "wanda", 7, "ready\n"), (ended.Job.Ended.Reason, ended.Job.Ended.StoppedBy, ended.Job.Ended.Code, ended.StdoutTail.ToStringUtf8()));

        using var late = wanda.RunJob(request, cancellationToken: Token);
        Assert.Equal(pid, (await NextAsync(late)).Started.Pid);
        Assert.Equal(7, (await NextAsync(late)).Ended.Job.Ended.Code);
    }

    [Fact]
    public async Task A_run_that_cannot_start_answers_with_that_alone()
    {
        await using var served = await ServedMachine.StartAsync();
        var uwe = served.Jobs("uwe", Role.User);
        (V1.RunJobRequest Request, JobError Error, string? What)[] rows =
        [
            (new() { Spec = new() { Command = "/no/such/program" } }, JobError.CannotStart, "execve"),
            (new() { Id = "x", Spec = Shell("") }, JobError.BadJobId, null),
            (new(), JobError.BadField, "spec"),
            (new() { Spec = Shell(""), TailLines = 1001 }, JobError.BadField, "tail_lines"),
            (new() { Spec = Shell(""), TailLines = -1 }, JobError.BadField, "tail_lines"),
        ];
        foreach (var (request, error, what) in rows)
        {
            var refusal = JobErrors.FromRpc(await RefusedAsync(uwe, request))!;
            Assert.Equal((error, what), (refusal.Error, refusal.Field ?? refusal.Step));
        }
        Assert.Empty(served.Machine.Jobs.List(Machine.Admin, JobFilter.None, null, 10).Jobs);
    }

    [Fact]
    public async Task A_run_needs_what_a_start_needs_and_may_be_as_large()
    {
        await using var served = await ServedMachine.StartAsync();
        Assert.Equal(StatusCode.PermissionDenied, (await RefusedAsync(served.Jobs("rita", Role.Reader), new() { Spec = Shell("") })).StatusCode);

        var large = new V1.JobSpec { Command = "/bin/true", Args = { Enumerable.Repeat(new string('x', 100 * 1024), 10) } };
        using var call = served.Jobs("uwe", Role.User).RunJob(new() { Spec = large }, cancellationToken: Token);
        Assert.Equal(10, (await NextAsync(call)).Started.Spec.Args.Count);
        Assert.Equal(0, (await NextAsync(call)).Ended.Job.Ended.Code);
    }

    [Fact]
    public async Task A_jobs_followers_are_counted_while_they_read()
    {
        await using var served = await ServedMachine.StartAsync();
        var job = served.Machine.Start("/bin/sh", "-c", "echo here; echo there >&2; sleep 1000").Record.Id.ToString();
        var (rita, anna) = (served.Jobs("rita", Role.Reader), served.Jobs("anna", Role.Admin));
        Assert.Equal(0, await FollowersAsync());
        using var first = await FollowAsync(rita, V1.OutputStream.Stdout);
        using var second = await FollowAsync(rita, V1.OutputStream.Stderr);
        using var third = await FollowAsync(anna, V1.OutputStream.Stdout);
        Assert.Equal(3, await FollowersAsync());
        Assert.Equal(3, (await rita.ListJobsAsync(new(), cancellationToken: Token).ResponseAsync.Soon()).Jobs.Single(listed => listed.Id == job).Followers);
        await anna.StopJobAsync(new() { Id = job }, cancellationToken: Token).ResponseAsync.Soon();
        foreach (var call in new[] { first, second, third })
            while (await call.ResponseStream.MoveNext(Token).Soon()) ;
        Assert.Equal(0, await FollowersAsync());

        async Task<int> FollowersAsync() => (await anna.GetJobAsync(new() { Id = job }, cancellationToken: Token).ResponseAsync.Soon()).Job.Followers;

        async Task<AsyncServerStreamingCall<V1.StreamOutputResponse>> FollowAsync(V1.JobService.JobServiceClient client, V1.OutputStream stream)
        {
            var call = client.StreamOutput(new() { Id = job, Stream = stream, Follow = true }, cancellationToken: Token);
            Assert.True(await call.ResponseStream.MoveNext(Token).Soon());
            return call;
        }
    }

    [Fact]
    public async Task What_a_running_job_uses_is_told_while_it_runs()
    {
        await using var served = await ServedMachine.StartAsync();
        const string Burn = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo done; ";
        var go = Path.Combine(served.Machine.Folder, "go");
        (await ChildProcess.RunAsync("mkfifo", [go], RunnerBinary.Surroundings())).Expect(0);
        var job = served.Machine.Start(new JobSpec { Command = "/bin/sh", Args = ["-c", $"{Burn} read line < \"$0\"; {Burn} sleep 1000", go], Limits = new(Cpus: 0.1, MemoryBytes: 64 << 20) });
        await Machine.FirstLineAsync(job.Stdout);
        var first = await UsageAsync();
        await File.WriteAllTextAsync(go, "\n", Token);
        using (var reader = job.Stdout.OpenReader()) Assert.True(await reader.ReadAsync(5, new byte[5], follow: true, Token).AsTask().Soon() > 0);
        var second = await UsageAsync();
        Assert.True(first.CpuTotal.ToTimeSpan() > TimeSpan.Zero && second.CpuTotal.ToTimeSpan() > first.CpuTotal.ToTimeSpan());
        Assert.True(second.Throttled.ToTimeSpan() > TimeSpan.Zero);
        Assert.True(second.MemoryBytes > 0 && second.MemoryPeakBytes >= second.MemoryBytes / 2);
        Assert.InRange(second.Pids, 1, 2);
        Assert.True(second.HasReadBytes && second.HasWrittenBytes);

        async Task<V1.Usage> UsageAsync() =>
            (await served.Jobs("rita", Role.Reader).GetJobAsync(new() { Id = job.Record.Id.ToString() }, cancellationToken: Token).ResponseAsync.Soon()).Job.Usage;
    }

    private static V1.JobSpec Shell(string script) => new() { Command = "/bin/sh", Args = { "-c", $"{script} " } };

    private static async Task<V1.RunJobResponse> NextAsync(AsyncServerStreamingCall<V1.RunJobResponse> call)
    {
        Assert.True(await call.ResponseStream.MoveNext(Token).Soon());
        return call.ResponseStream.Current;
    }

    private static async Task<RpcException> RefusedAsync(V1.JobService.JobServiceClient jobs, V1.RunJobRequest request)
    {
        using var call = jobs.RunJob(request, cancellationToken: Token);
        return await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Token).Soon());
    }
}
