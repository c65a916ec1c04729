using FsCheck;
using FsCheck.Fluent;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;
using Runner.Output;
using Runner.Server;
using Runner.Tests.Grpc;
using Runner.Tests.Support;

namespace Runner.Tests.Server;

/// <summary>
/// The arithmetic of gaps, from the pipe to the messages of a stream: whatever is written, capped, given back and begun anew, a
/// reader is told of every byte once, as it was written or in a gap.
/// </summary>
public sealed class CappedStreamTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What happens to a stream: so many bytes are written, or (0) the server is killed and another one goes on.</summary>
    private static readonly Gen<int> s_step = Gen.Frequency((4, Gen.Choose(1, 300)), (4, Gen.Choose(1000, 90_000)), (1, Gen.Choose(100_000, 400_000)), (2, Gen.Constant(0)));

    [Theory, InlineData("KeepTail"), InlineData("KeepHead"), InlineData("StopJob")]
    public void Every_byte_is_told_once_as_it_was_or_as_gone(string policy) => Prop.ForAll(
        s_step.ListOf().Zip(Gen.Choose(16, 40)).ToArbitrary(),
        async run => await TellsEveryByteAsync([.. run.Item1], new(run.Item2 * 4096L, System.Enum.Parse<OutputPolicy>(policy))))
        .Check(Config.QuickThrowOnFailure.WithMaxTest(15).WithEndSize(25));

    private static async Task<bool> TellsEveryByteAsync(int[] steps, OutputCap cap)
    {
        using var stream = new Stream(cap);
        Reader[] readers =
        [
            new(stream, Follow: true, Times: false), new(stream, Follow: false, Times: false), new(stream, Follow: true, Times: true), new(stream, Follow: false, Times: true),
        ];
        var reading = readers.Select(reader => Task.Run(reader.ToEndAsync, Token)).ToList();
        foreach (var step in steps)
        {
            if (step > 0) stream.Write(step);
            else stream.KillServer();
        }
        await stream.EndAsync();
        await Task.WhenAll(reading).Soon();

        var log = stream.Output.Stdout;
        Assert.Equal(stream.Written, log.Length);
        Assert.All(readers, reader => Assert.Equal(log.Length, reader.Next));
        var kept = log.Length - (log.Kept?.Dropped ?? 0);
        if (log.Length <= cap.Bytes || cap.Policy is not OutputPolicy.KeepTail) Assert.Equal(Math.Min(log.Length, cap.Bytes), kept);
        else Assert.InRange(kept, cap.Bytes * 7 / 8, cap.Bytes);
        Assert.Equal(cap.Policy is OutputPolicy.StopJob && log.Length > cap.Bytes, stream.LimitPassed);

        // As it is read when all that is left of it is its files.
        Assert.Equal(log.Kept, stream.Left().Kept);
        await new Reader(stream, Follow: false, Times: true).ToEndAsync().Soon();
        return true;
    }

    private static byte At(long offset) => (byte)(offset * 31 + (offset >> 8) + 1);

    /// <summary>A stream of a job whose servers come and go, captured to real files.</summary>
    private sealed class Stream : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly OutputFiles _files;
        private readonly JobId _id = JobId.New();
        private readonly OutputCap _cap;
        private readonly Fd _read, _write;
        private EventLoop _loop;
        private JobCapture _capture;

        public Stream(OutputCap cap)
        {
            (_files, _cap, (_read, _write)) = (new OutputFiles(_folder.Path), cap, Pipes.Create());
            (_loop, _capture) = Begin(_files.New(_id));
        }

        public long Written { get; private set; }
        public bool LimitPassed => _capture.LimitPassed.IsCompleted;
        private readonly Lock _lock = new();
        private CancellationTokenSource _life = new();
        private int _sessions;

        public JobOutput Output => new(_capture.Stdout, _capture.Stderr, _capture.Index, () => DateTime.UtcNow.Ticks);
        public volatile bool HasEnded;

        public unsafe void Write(int count)
        {
            var bytes = new byte[count];
            for (var i = 0; i < count; i++) bytes[i] = At(Written + i);
            fixed (byte* start = bytes)
                for (nint written = 0; written < count;)
                    written += Libc.Write(_write, start + written, (nuint)(count - written)) is > 0 and var some ? some : throw LinuxException.Last("write");
            Written += count;
        }

        /// <summary>What it was about to do is not done any more, for its readers either; the next one goes on with the same pipe and files.</summary>
        public void KillServer()
        {
            _loop.Dispose();
            _capture.Dispose();
            lock (_lock) _life.Cancel();
            while (true)
            {
                lock (_lock)
                {
                    if (_sessions == 0)
                    {
                        (_loop, _capture) = Begin(_files.Reopen(_id));
                        _life = new();
                        return;
                    }
                }
                Thread.Sleep(1);
            }
        }

        /// <summary>Reads from the server there is now, as long as it lives.</summary>
        public async Task ReadAsync(Func<JobOutput, CancellationToken, Task> session)
        {
            JobOutput output;
            CancellationToken life;
            await Task.Yield();
            lock (_lock)
            {
                // Between two servers nobody comes in, or the last would never be out.
                if (_life.IsCancellationRequested) return;
                (_sessions, output, life) = (_sessions + 1, Output, _life.Token);
            }
            try
            {
                await session(output, life);
            }
            catch (OperationCanceledException) when (life.IsCancellationRequested)
            {
            }
            finally
            {
                lock (_lock) _sessions--;
            }
        }

        public async Task EndAsync()
        {
            await _capture.FinishAsync().Soon();
            foreach (var log in new[] { _capture.Stdout, _capture.Stderr, _capture.Index }) log.Complete();
            HasEnded = true;
        }

        public OutputLog Left() => _files.Left(_id, OutputKind.Stdout, afterPowerCut: false);

        private (EventLoop, JobCapture) Begin(CaptureFiles files)
        {
            var loop = new EventLoop("test", e => throw e);
            var capture = new JobCapture(loop, _id, files, [Libc.Duplicate(_read.Number)], _cap, NullLogger.Instance);
            capture.Start();
            return (loop, capture);
        }

        public void Dispose()
        {
            _loop.Dispose();
            _capture.Dispose();
            _read.Dispose();
            _write.Dispose();
            _folder.Dispose();
        }
    }

    /// <summary>Goes on where it was when a server goes, as a client does.</summary>
    private sealed record Reader(Stream Stream, bool Follow, bool Times) : IServerStreamWriter<V1.StreamOutputResponse>
    {
        private readonly Random _pace = new(1);
        public long Next { get; private set; }

        public WriteOptions? WriteOptions { get; set; }

        public async Task ToEndAsync()
        {
            for (var isLast = false; !isLast;)
            {
                isLast = Stream.HasEnded;
                var wish = new OutputWish(OutputKind.Stdout, new OutputBegin.At(Next), Follow, Follow || isLast ? null : 5000, Times);
                var record = new JobRecord(JobId.New(), new() { Command = "x" }, "anna", 1, ResourceLimits.None, DateTimeOffset.UtcNow, new JobState.Running());
                await Stream.ReadAsync((output, life) =>
                    new OutputSender(new Job(record, output.Stdout, output.Stderr, output.Index), wish, new SendBuffers(), this).SendAsync(life));
            }
        }

        public Task WriteAsync(V1.StreamOutputResponse message, CancellationToken cancellationToken) =>
            cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : WriteAsync(message);

        public async Task WriteAsync(V1.StreamOutputResponse message)
        {
            if (message.Data is { } data)
            {
                Assert.Equal(Next, data.Offset);
                for (var i = 0; i < data.Bytes.Length; i++)
                    if (data.Bytes[i] != At(Next + i)) Assert.Fail($"byte {Next + i} is {data.Bytes[i]}, not {At(Next + i)}");
                Next += data.Bytes.Length;
            }
            else if (message.Gap is { } gap)
            {
                Assert.Equal((Next, V1.GapReason.OutputLimit), (gap.From, gap.Reason));
                Assert.True(gap.To > gap.From);
                Next = gap.To;
            }

            // Some are so slow that the cap overtakes them.
            for (var turns = _pace.Next(20); turns > 0; turns--) await Task.Yield();
        }
    }
}
