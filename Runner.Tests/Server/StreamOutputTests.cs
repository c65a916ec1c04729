using System.Text;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Runner.Access;
using Runner.Jobs;
using Runner.Tests.Grpc;
using Runner.Tests.Support;
using Runner.Wire;

namespace Runner.Tests.Server;

/// <summary>Every way to ask for output, over the wire.</summary>
public sealed class StreamOutputTests
{
    private const string Script = "echo one; echo two >&2; read -r _ <\"$0\"; printf 'three\\nfour'; echo five >&2";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_beginning_and_limit_gives_exactly_its_part()
    {
        await using var served = await ServedMachine.StartAsync();
        var job = await served.Machine.RunAsync("printf 'one\\ntwo\\nthree'");
        var jobs = served.Jobs("rita", Role.Reader);
        foreach (var (expected, request) in new (string, V1.StreamOutputRequest)[]
        {
            ("one\ntwo\nthree", new()),
            ("two\nthree", new() { Offset = 4 }),
            ("tw", new() { Offset = 4, LimitBytes = 2 }),
            ("", new() { Offset = 1000 }),
            ("two\nthree", new() { TailLines = 2 }),
            ("two\nthr", new() { TailLines = 2, LimitBytes = 7 }),
            ("", new() { TailLines = 0 }),
            ("one\ntwo\nthree", new() { TailLines = 1000 }),
            ("ree", new() { TailBytes = 3 }),
            ("one\ntwo\nthree", new() { TailBytes = long.MaxValue }),
            ("one\ntwo\nthree", new() { Since = Timestamp.FromDateTimeOffset(job.Record.StartedAt.AddMinutes(-1)) }),
            ("", new() { Since = Timestamp.FromDateTimeOffset(job.Record.StartedAt.AddHours(1)) }),
        })
        {
            foreach (var (follow, times) in new[] { (false, false), (true, false), (false, true), (true, true) })
            {
                request.Id = job.Record.Id.ToString();
                (request.Follow, request.Times) = (follow, times);
                var (data, end) = await ReadAsync(jobs, request);
                Assert.Equal(expected, string.Concat(data.Select(part => part.Bytes.ToStringUtf8())));
                Assert.All(data, part => Assert.Equal((V1.OutputStream.Stdout, times), (part.Stream, part.CapturedAt is not null)));

                // The end is told unless the limit came first.
                Assert.Equal(request.HasLimitBytes ? null : new V1.OutputEnd { Size = 13 }, end);
            }
        }
    }

    [Fact]
    public async Task Both_streams_come_in_captured_order_live_and_each_message_says_its_stream_and_time()
    {
        await using var served = await ServedMachine.StartAsync();
        using var folder = new TemporaryFolder();
        (await ChildProcess.ShellAsync("mkfifo \"$1\"", folder.At("gate"))).Expect(0);
        var job = served.Machine.Start("/bin/sh", "-c", Script, folder.At("gate"));
        var jobs = served.Jobs("rita", Role.Reader);
        using var call = jobs.StreamOutput(new() { Id = job.Record.Id.ToString(), Stream = V1.OutputStream.Both, Follow = true, Times = true }, cancellationToken: Token);
        var seen = new List<V1.OutputData>();
        while (Text(seen) != "one\n two\n") seen.Add(await NextAsync());
        var between = DateTimeOffset.UtcNow;
        await File.WriteAllTextAsync(folder.At("gate"), "go\n", Token);
        while (!Text(seen).EndsWith("five\n", StringComparison.Ordinal) || !Text(seen).Contains("four", StringComparison.Ordinal)) seen.Add(await NextAsync());
        Assert.True(await call.ResponseStream.MoveNext(Token).Soon());
        Assert.Equal(new V1.OutputEnd { Size = 14, StderrSize = 9 }, call.ResponseStream.Current.End);
        Assert.True(seen.Select(part => part.CapturedAt).SequenceEqual(seen.Select(part => part.CapturedAt).Order()));
        Assert.Equal(["one\n", "two\n"], seen.Where(part => part.CapturedAt.ToDateTimeOffset() < between).Select(part => part.Bytes.ToStringUtf8()).Order());

        // The same once it has ended, from a time on and by its last lines.
        var request = new V1.StreamOutputRequest { Id = job.Record.Id.ToString(), Stream = V1.OutputStream.Both, Since = Timestamp.FromDateTimeOffset(between) };
        Assert.Equal("three\nfour five\n", Text((await ReadAsync(jobs, request)).Data));
        request.TailLines = 2;
        var (last, end) = await ReadAsync(jobs, request);
        Assert.Equal(["five\n", "four"], last.Select(part => part.Bytes.ToStringUtf8()).Order());
        Assert.Equal(new V1.OutputEnd { Size = 14, StderrSize = 9 }, end);

        async Task<V1.OutputData> NextAsync()
        {
            Assert.True(await call.ResponseStream.MoveNext(Token).Soon());
            return call.ResponseStream.Current.Data ?? throw new InvalidOperationException("it ended");
        }

        // Which of two streams' pieces was captured first is chance where both were written at once.
        static string Text(IEnumerable<V1.OutputData> parts) =>
            string.Concat(parts.Where(part => part.Stream is V1.OutputStream.Stdout).Select(part => part.Bytes.ToStringUtf8())) + " "
            + string.Concat(parts.Where(part => part.Stream is V1.OutputStream.Stderr).Select(part => part.Bytes.ToStringUtf8()));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Who_does_not_follow_gets_what_is_there_and_does_not_run_after_a_job_that_writes_without_end(bool times)
    {
        await using var served = await ServedMachine.StartAsync();
        using var folder = new TemporaryFolder();
        (await ChildProcess.ShellAsync("mkfifo \"$1\"", folder.At("gate"))).Expect(0);

        // More than is sent ahead of a reader, so that the call is not over when the job goes on.
        const long Size = 16 << 20;
        var job = served.Machine.Start("/bin/sh", "-c", $"head -c {Size} /dev/zero; read -r _ <\"$0\"; while echo y; do sleep 0.001; done", folder.At("gate"));
        await Until.SoAsync(() => job.Stdout.Length == Size, "the job has written the first part");
        using var call = served.Jobs("rita", Role.Reader).StreamOutput(new() { Id = job.Record.Id.ToString(), Times = times }, cancellationToken: Token);
        Assert.True(await call.ResponseStream.MoveNext(Token).Soon());
        var told = (long)call.ResponseStream.Current.Data.Bytes.Length;
        (await ChildProcess.ShellAsync("echo go >\"$1\"", folder.At("gate"))).Expect(0);
        await Until.SoAsync(() => job.Stdout.Length > Size, "the job goes on");
        while (await call.ResponseStream.MoveNext(Token).Soon()) told += call.ResponseStream.Current.Data.Bytes.Length;
        Assert.Equal(Size, told);
        await served.Machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, TimeSpan.Zero, Token);
    }

    [Fact]
    public async Task Who_follows_from_the_last_offset_there_can_be_is_told_of_the_end_when_it_has_come()
    {
        await using var served = await ServedMachine.StartAsync();
        using var folder = new TemporaryFolder();
        (await ChildProcess.ShellAsync("mkfifo \"$1\"", folder.At("gate"))).Expect(0);
        var job = served.Machine.Start("/bin/sh", "-c", Script, folder.At("gate"));
        var jobs = served.Jobs("rita", Role.Reader);
        using var call = jobs.StreamOutput(new() { Id = job.Record.Id.ToString(), Offset = long.MaxValue, Follow = true }, cancellationToken: Token);
        var end = call.ResponseStream.MoveNext(Token);
        while (!end.IsCompleted && (await jobs.GetJobAsync(new() { Id = job.Record.Id.ToString() }, cancellationToken: Token)).Job.Followers == 0) { }
        await File.WriteAllTextAsync(folder.At("gate"), "go\n", Token);
        Assert.True(await end.Soon());
        Assert.Equal(new V1.OutputEnd { Size = 14 }, call.ResponseStream.Current.End);
    }

    [Fact]
    public async Task A_stream_that_is_not_read_does_not_hold_up_the_others_on_its_connection()
    {
        await using var served = await ServedMachine.StartAsync();
        const int Size = 20_000_000;
        var job = await served.Machine.RunAsync($"head -c {Size} /dev/zero");
        var handler = served.Handler("rita", Role.Reader);
        handler.EnableMultipleHttp2Connections = false;
        V1.JobService.JobServiceClient jobs = new(served.Channel(handler));
        var request = new V1.StreamOutputRequest { Id = job.Record.Id.ToString(), Follow = true };
        var stalled = Enumerable.Range(0, 20).Select(_ => jobs.StreamOutput(request, cancellationToken: Token)).ToList();
        foreach (var call in stalled) Assert.True(await call.ResponseStream.MoveNext(Token).Soon());
        for (var i = 0; i < 3; i++) Assert.Equal(Size, (await ReadAsync(jobs, request)).Data.Sum(part => part.Bytes.Length));

        // They have lost nothing meanwhile.
        foreach (var call in stalled)
        {
            var size = call.ResponseStream.Current.Data.Bytes.Length;
            while (await call.ResponseStream.MoveNext(Token).Soon() && call.ResponseStream.Current.Data is { } data) size += data.Bytes.Length;
            Assert.Equal(Size, size);
            call.Dispose();
        }
    }

    [Fact]
    public async Task A_follower_takes_a_place_for_each_descriptor_and_leaves_none_behind()
    {
        await using var served = await ServedMachine.StartAsync(new(Connections: 10, Followers: 6));
        var job = served.Machine.Start("/bin/sh", "-c", "echo here; exec sleep 1000");
        var jobs = served.Jobs("rita", Role.Reader);
        var both = new V1.StreamOutputRequest { Id = job.Record.Id.ToString(), Stream = V1.OutputStream.Both, Follow = true };
        for (var i = 0; i < 5; i++)
        {
            using var leaves = new CancellationTokenSource();
            using var call = jobs.StreamOutput(both, cancellationToken: leaves.Token);
            Assert.True(await call.ResponseStream.MoveNext(Token).Soon());
            using var another = jobs.StreamOutput(new() { Id = both.Id }, cancellationToken: Token);
            var refusal = await Assert.ThrowsAsync<RpcException>(() => another.ResponseStream.MoveNext(Token).Soon());
            Assert.Contains("rita follows 3 streams of output, this call needs 1 more, and one caller may have 3", refusal.Status.Detail);
            await leaves.CancelAsync();

            // The server learns of it a little later.
            while (true)
            {
                try
                {
                    Assert.Single((await ReadAsync(jobs, new() { Id = both.Id })).Data);
                    break;
                }
                catch (RpcException e) when (JobErrors.FromRpc(e)?.Error is JobError.Exhausted)
                {
                    await Task.Delay(10, Token);
                }
            }
        }
    }

    [Fact]
    public async Task A_range_is_read_in_one_call()
    {
        await using var served = await ServedMachine.StartAsync();
        using var folder = new TemporaryFolder();
        (await ChildProcess.ShellAsync("mkfifo \"$1\"", folder.At("gate"))).Expect(0);
        var job = served.Machine.Start("/bin/sh", "-c", Script, folder.At("gate"));
        var jobs = served.Jobs("rita", Role.Reader);
        Assert.Equal("one", await Machine.FirstLineAsync(job.Stdout));
        Assert.Equal(("one\n", 4, false), await ReadAsync(new()));
        await File.WriteAllTextAsync(folder.At("gate"), "go\n", Token);
        await Machine.EndAsync(job);
        Assert.Equal(("one\nthree\nfour", 14, true), await ReadAsync(new()));
        Assert.Equal(("thr", 14, true), await ReadAsync(new() { Offset = 4, Length = 3 }));
        Assert.Equal(("five\n", 9, true), await ReadAsync(new() { Stream = V1.OutputStream.Stderr, Offset = 4 }));
        Assert.Equal(("", 14, true), await ReadAsync(new() { Offset = long.MaxValue }));

        var large = await served.Machine.RunAsync("head -c 3000000 /dev/zero");
        var answer = await jobs.ReadOutputAsync(new() { Id = large.Record.Id.ToString(), Offset = 1 }, cancellationToken: Token).ResponseAsync.Soon();
        Assert.Equal((1 << 20, 3_000_000), (answer.Bytes.Length, answer.Size));

        foreach (var (sentence, request) in new (string, V1.ReadOutputRequest)[]
        {
            ("offset -1: must be 0 or more", new() { Offset = -1 }),
            ("length -1: must be 1 to 1048576", new() { Length = -1 }),
            ("length 1048577: must be 1 to 1048576", new() { Length = 1_048_577 }),
            ("stream 3: must be stdout (1) or stderr (2)", new() { Stream = V1.OutputStream.Both }),
        })
        {
            var e = await Assert.ThrowsAsync<RpcException>(() => ReadAsync(request));
            Assert.Equal((JobError.BadField, sentence), (JobErrors.FromRpc(e)!.Error, JobErrors.FromRpc(e)!.Message));
        }

        // Somebody else's job does not exist for those who may not see it.
        var stranger = await Assert.ThrowsAsync<RpcException>(async () => await served.Jobs("uwe", Role.User).ReadOutputAsync(new() { Id = job.Record.Id.ToString() }, cancellationToken: Token));
        Assert.Equal(JobError.NoSuchJob, JobErrors.FromRpc(stranger)!.Error);

        async Task<(string, long, bool)> ReadAsync(V1.ReadOutputRequest request)
        {
            request.Id = job.Record.Id.ToString();
            var answer = await jobs.ReadOutputAsync(request, cancellationToken: Token).ResponseAsync.Soon();
            return (answer.Bytes.ToStringUtf8(), answer.Size, answer.Complete);
        }
    }

    private static async Task<(List<V1.OutputData> Data, V1.OutputEnd? End)> ReadAsync(V1.JobService.JobServiceClient jobs, V1.StreamOutputRequest request)
    {
        using var call = jobs.StreamOutput(request, cancellationToken: Token);
        var data = new List<V1.OutputData>();
        while (await call.ResponseStream.MoveNext(Token).Soon())
        {
            if (call.ResponseStream.Current.End is { } end)
            {
                Assert.False(await call.ResponseStream.MoveNext(Token).Soon());
                return (data, end);
            }
            data.Add(call.ResponseStream.Current.Data);
        }
        return (data, null);
    }
}
