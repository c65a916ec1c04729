using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Runner.Access;
using Runner.Jobs;
using Runner.Tests.Grpc;
using Runner.Tests.Support;
using Runner.Wire;

namespace Runner.Tests.Server;

/// <summary>Over the wire: whatever is asked of output that was removed is answered with what is gone, and then with the end.</summary>
public sealed class PrunedOutputTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_way_to_ask_for_it_gives_the_gap_and_the_end()
    {
        await using var served = await ServedMachine.StartAsync();
        var job = await served.Machine.RunAsync("echo hello; echo err >&2");
        var (id, jobs) = (job.Record.Id.ToString(), served.Jobs("wanda", Role.Admin));
        Assert.Equal(job.Stdout.Length + job.Stderr.Length + job.Index.Length, (await jobs.RemoveOutputAsync(new() { Id = id }, cancellationToken: Token).ResponseAsync.Soon()).Bytes);

        (long, long) all = (0, 6), err = (0, 4), none = default;
        var before = Timestamp.FromDateTimeOffset(job.Record.StartedAt.AddMinutes(-1));
        foreach (var (stdout, stderr, request) in new ((long, long) Stdout, (long, long) Stderr, V1.StreamOutputRequest)[]
        {
            (all, none, new() { Stream = V1.OutputStream.Stdout }),
            ((2, 6), none, new() { Stream = V1.OutputStream.Stdout, Offset = 2 }),
            (none, none, new() { Stream = V1.OutputStream.Stdout, Offset = 6 }),
            (all, none, new() { Stream = V1.OutputStream.Stdout, TailLines = 1 }),
            (none, none, new() { Stream = V1.OutputStream.Stdout, TailLines = 0 }),
            ((3, 6), none, new() { Stream = V1.OutputStream.Stdout, TailBytes = 3 }),
            (all, none, new() { Stream = V1.OutputStream.Stdout, Since = before }),
            (none, err, new() { Stream = V1.OutputStream.Stderr }),
            (none, err, new() { Stream = V1.OutputStream.Stderr, TailLines = 10 }),
            (all, err, new() { Stream = V1.OutputStream.Both }),
            ((5, 6), (1, 4), new() { Stream = V1.OutputStream.Both, Offset = 5, StderrOffset = 1 }),
            (all, err, new() { Stream = V1.OutputStream.Both, TailLines = 1 }),
            (all, err, new() { Stream = V1.OutputStream.Both, TailLines = 100 }),
            (none, none, new() { Stream = V1.OutputStream.Both, TailLines = 0 }),
            (all, err, new() { Stream = V1.OutputStream.Both, Since = before }),
            (none, none, new() { Stream = V1.OutputStream.Both, Since = Timestamp.FromDateTimeOffset(job.Record.StartedAt.AddHours(1)) }),
            (all, none, new() { Stream = V1.OutputStream.Stdout, LimitBytes = 1 }),
        })
        {
            foreach (var (follow, times) in new[] { (false, false), (true, false), (false, true), (true, true) })
            {
                (request.Id, request.Follow, request.Times) = (id, follow, times);
                var (gaps, end) = await ReadAsync(jobs, request);
                var expected = new[] { (V1.OutputStream.Stdout, stdout), (V1.OutputStream.Stderr, stderr) }.Where(gap => gap.Item2 != none)
                    .Select(gap => new V1.OutputGap { Stream = gap.Item1, From = gap.Item2.Item1, To = gap.Item2.Item2, Reason = V1.GapReason.Pruned });
                Assert.Equal(expected, gaps.OrderBy(gap => gap.Stream));
                Assert.Equal(request.Stream switch { V1.OutputStream.Stdout => new() { Size = 6 }, V1.OutputStream.Stderr => new() { Size = 4 }, _ => new V1.OutputEnd { Size = 6, StderrSize = 4 } }, end);
            }
        }
        var range = await jobs.ReadOutputAsync(new() { Id = id, Stream = V1.OutputStream.Stdout, Offset = 1 }, cancellationToken: Token).ResponseAsync.Soon();
        Assert.Equal(new V1.ReadOutputResponse { Size = 6, Complete = true, Gap = new() { Stream = V1.OutputStream.Stdout, From = 1, To = 6, Reason = V1.GapReason.Pruned } }, range);
    }

    [Fact]
    public async Task Whoever_asks_for_the_job_is_told_that_nothing_of_it_is_kept_and_when_it_went()
    {
        await using var served = await ServedMachine.StartAsync();
        var jobs = served.Jobs("wanda", Role.Writer);
        var start = new V1.RunJobRequest { Id = JobId.New().ToString(), Spec = new() { Command = "/bin/sh", Args = { "-c", "echo hello; exit 7" } } };
        var before = (await RunAsync()).Job;
        Assert.Equal(new V1.PruneOutputResponse { Jobs = 1, Bytes = 30 }, await PruneAsync(dryRun: true));
        Assert.Equal(new V1.PruneOutputResponse { Jobs = 1, Bytes = 30 }, await PruneAsync(dryRun: false));
        Assert.Equal(new V1.PruneOutputResponse(), await PruneAsync(dryRun: false));

        var again = await RunAsync();
        Assert.Equal(("", ""), (again.StdoutTail.ToStringUtf8(), again.StderrTail.ToStringUtf8()));
        Assert.InRange(again.Job.Output.PrunedAt.ToDateTimeOffset(), before.Ended.EndedAt.ToDateTimeOffset(), DateTimeOffset.UtcNow);

        // A client that does not know of pruning reads from these that nothing is kept. All else stays what it was.
        Assert.Equal((6, 6, 6, 0), (again.Job.Output.StdoutBytes, again.Job.Output.StdoutKeptFrom, again.Job.Output.StdoutDroppedBytes, again.Job.Output.StderrDroppedBytes));
        before.Output.StdoutKeptFrom = before.Output.StdoutDroppedBytes = 6;
        before.Output.PrunedAt = again.Job.Output.PrunedAt;
        Assert.Equal(before, again.Job);
        var got = (await jobs.GetJobAsync(new() { Id = start.Id }, cancellationToken: Token).ResponseAsync.Soon()).Job;
        Assert.Equal(before, got);
        Assert.Equal(before, Assert.Single((await jobs.ListJobsAsync(new(), cancellationToken: Token).ResponseAsync.Soon()).Jobs));
        Assert.Equal(got, JobViews.ToWire(JobViews.FromWire(got)));

        async Task<V1.RunEnded> RunAsync()
        {
            using var call = jobs.RunJob(start, cancellationToken: Token);
            V1.RunJobResponse last = new();
            while (await call.ResponseStream.MoveNext(Token).Soon()) last = call.ResponseStream.Current;
            return last.Ended;
        }

        // That a call's stream has ended is known a moment before the reader's place is given back.
        async Task<V1.PruneOutputResponse> PruneAsync(bool dryRun)
        {
            for (var i = 0; ; i++)
            {
                var answer = await jobs.PruneOutputAsync(new() { DryRun = dryRun }, cancellationToken: Token).ResponseAsync.Soon();
                if (answer.Skipped == 0) return answer;
                Assert.InRange(i, 0, 1500);
                await Task.Delay(10, Token);
            }
        }
    }

    [Fact]
    public async Task Whoever_may_not_pin_or_remove_may_not_start_pinned_or_remove_output_either()
    {
        await using var served = await ServedMachine.StartAsync();
        var uma = served.Jobs("uma", Role.User);
        var spec = new V1.JobSpec { Command = "true", Pinned = true };
        var refused = JobErrors.FromRpc(await Assert.ThrowsAsync<RpcException>(() => uma.StartJobAsync(new() { Spec = spec }, cancellationToken: Token).ResponseAsync.Soon()))!;
        Assert.Equal((JobError.NotAllowed, "role user may not pin jobs: must be writer or admin"), (refused.Error, refused.Message));
        foreach (var call in new Func<Task>[]
        {
            () => uma.RemoveOutputAsync(new() { Id = JobId.New().ToString() }, cancellationToken: Token).ResponseAsync.Soon(),
            () => uma.PruneOutputAsync(new(), cancellationToken: Token).ResponseAsync.Soon(),
        })
            Assert.Equal(JobError.NotAllowed, JobErrors.FromRpc(await Assert.ThrowsAsync<RpcException>(call))!.Error);
        Assert.True((await served.Jobs("will", Role.Writer).StartJobAsync(new() { Spec = spec }, cancellationToken: Token).ResponseAsync.Soon()).Job.Pinned);
    }

    private static async Task<(List<V1.OutputGap> Gaps, V1.OutputEnd? End)> ReadAsync(V1.JobService.JobServiceClient jobs, V1.StreamOutputRequest request)
    {
        using var call = jobs.StreamOutput(request, cancellationToken: Token);
        var (gaps, end) = (new List<V1.OutputGap>(), (V1.OutputEnd?)null);
        while (await call.ResponseStream.MoveNext(Token).Soon())
        {
            var message = call.ResponseStream.Current;
            if (message.Gap is { } gap) gaps.Add(gap);
            Assert.True(message.Data is null or { Bytes.IsEmpty: true });
            end = message.End ?? end;
        }
        return (gaps, end);
    }
}
