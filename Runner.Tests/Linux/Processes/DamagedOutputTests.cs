using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;
using Runner.Output;
using Runner.Tests.Grpc;
using Runner.Tests.Support;

namespace Runner.Tests.Linux.Processes;

/// <summary>Files of a job's output as a bad disk leaves them to the next server: what is there is told, and the job goes on.</summary>
public sealed class DamagedOutputTests : IDisposable
{
    private static readonly CancellationToken s_stop = TestContext.Current.CancellationToken;
    private readonly TemporaryFolder _folder = new();
    private readonly OutputFiles _files;
    private readonly JobId _id = JobId.New();
    private readonly Fd _read, _write;

    public DamagedOutputTests() => (_files, (_read, _write)) = (new OutputFiles(_folder.Path), Pipes.Create());

    public void Dispose()
    {
        _read.Dispose();
        _write.Dispose();
        _folder.Dispose();
    }

    // As numbers: no time, no place and no length; then the time of a distant future at a place that the stream has not.
    public static TheoryData<long, long, long> Records => new() { { -1, -1, -1 }, { long.MaxValue, 1 << 20, 1 << 20 }, { 1, 0, -5 } };

    [Theory, MemberData(nameof(Records))]
    public async Task An_index_that_is_damaged_costs_times_and_no_byte(long ticks, long place, long length)
    {
        await CaptureAsync(_files.New(_id), "before ", capture => Task.CompletedTask);
        File.WriteAllBytes(At("index"), [.. new[] { ticks, place, length }.SelectMany(BitConverter.GetBytes)]);
        await CaptureAsync(_files.Reopen(_id), "after", async capture =>
        {
            _write.Dispose();
            await capture.FinishAsync().Soon();
            foreach (var log in new[] { capture.Stdout, capture.Stderr, capture.Index }) log.Complete();
            var output = new JobOutput(capture.Stdout, capture.Stderr, capture.Index, () => DateTime.UtcNow.Ticks);
            using var pieces = await PieceReader.OpenAsync(output, new(OutputKind.Stdout, new OutputBegin.At(0), Follow: true, Limit: null, Times: true), s_stop);
            var told = 0L;
            while (await pieces.ReadAsync(long.MaxValue, s_stop) is { } piece) told = piece.Offset == told ? told + piece.Length : -1;
            Assert.Equal((12, 12), (told, capture.Stdout.Length));
            Assert.True(capture.DiskFailed);
        });
        Assert.Equal("before after", File.ReadAllText(At("stdout")));
    }

    [Fact]
    public async Task What_a_disk_does_not_tell_of_is_not_taken_for_what_is_not_there()
    {
        // A folder that cannot be looked into: a link to itself.
        Directory.CreateSymbolicLink(_files.Folder(_id), _files.Folder(_id));
        Assert.Throws<IOException>(() => _files.Reopen(_id));
        Assert.Throws<IOException>(() => _files.Left(_id, OutputKind.Stdout, afterPowerCut: false));
        Assert.Throws<IOException>(() => _files.CompleteIndex(_id));
        await Assert.ThrowsAsync<IOException>(() => _files.SyncAsync(_id));
    }

    [Fact]
    public void Of_a_stream_whose_range_is_damaged_its_file_tells_where_it_begins()
    {
        var before = _files.New(_id);
        Assert.SkipUnless(_files.CanGiveBack, "this file system makes no holes");
        before.Stdout.File.Open().Dispose();
        File.WriteAllBytes(At("stdout"), [.. Enumerable.Repeat((byte)'x', 200_000)]);
        using var file = Libc.Open(At("stdout"), OpenFlags.WriteOnly | OpenFlags.CloseOnExec);
        Assert.Equal(0, Libc.Allocate(file, AllocateMode.PunchHole | AllocateMode.KeepSize, 0, 8192));
        foreach (var damage in new[] { -1, long.MaxValue })
        {
            File.WriteAllBytes(At("kept"), [.. BitConverter.GetBytes(damage), .. BitConverter.GetBytes(damage)]);
            Assert.Equal(8192, _files.Reopen(_id).Stdout.Log.First);
            Assert.Equal((8192, 200_000), (_files.Left(_id, OutputKind.Stdout, afterPowerCut: false).First, _files.Left(_id, OutputKind.Stdout, afterPowerCut: false).Length));
        }

        // What cannot be read at all.
        File.Delete(At("kept"));
        Directory.CreateDirectory(At("kept"));
        Assert.Equal(8192, _files.Reopen(_id).Stdout.Log.First);
        Assert.Equal(8192, _files.Left(_id, OutputKind.Stdout, afterPowerCut: false).First);
    }

    [Fact]
    public async Task A_disk_that_failed_under_a_former_server_is_remembered_and_what_is_written_again_is_the_same()
    {
        Assert.SkipUnless(_files.CanGiveBack, "this file system makes no holes");
        await CaptureAsync(_files.New(_id), "before ", capture => Task.CompletedTask);

        // More than is written at once, after a head that was given back.
        await File.WriteAllBytesAsync(At("stderr"), Enumerable.Range(0, 3_000_000).Select(i => (byte)(i * 31 + i / 251)).ToArray(), s_stop);
        using (var file = Libc.Open(At("stderr"), OpenFlags.WriteOnly | OpenFlags.CloseOnExec))
            Assert.Equal(0, Libc.Allocate(file, AllocateMode.PunchHole | AllocateMode.KeepSize, 0, 1 << 20));
        var (bytes, blocks) = (await File.ReadAllBytesAsync(At("stderr"), s_stop), await BlocksAsync("stderr"));
        File.WriteAllText(At("disk-failed"), "\n");
        var failed = false;
        await CaptureAsync(_files.Reopen(_id), "after", async capture =>
        {
            _write.Dispose();
            await capture.FinishAsync().Soon();
            await capture.SyncAsync().Soon();
            failed = capture.DiskFailed;
        });
        Assert.True(failed);
        Assert.Equal("before after", File.ReadAllText(At("stdout")));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(At("stderr"), s_stop));
        Assert.Equal(blocks, await BlocksAsync("stderr"));
    }

    /// <summary>Captures a text as a server does, which then goes.</summary>
    private async Task CaptureAsync(CaptureFiles files, string text, Func<JobCapture, Task> more)
    {
        using var loop = new EventLoop("test", e => throw e);
        var from = files.Stdout.Size;
        using var capture = new JobCapture(loop, _id, files, [Libc.Duplicate(_read.Number)], null, NullLogger.Instance);
        capture.Start();
        Write(text);
        while (capture.Stdout.Length < from + text.Length) await capture.Stdout.WaitPastAsync(capture.Stdout.Length, s_stop).AsTask().Soon();
        while (capture.Index.Length == 0) await capture.Index.WaitPastAsync(0, s_stop).AsTask().Soon();
        await more(capture);
        await loop.RunAsync(() => { }).Soon(); // what it has begun it has done
    }

    private unsafe void Write(string text)
    {
        fixed (byte* bytes = Encoding.ASCII.GetBytes(text)) Assert.Equal(text.Length, Libc.Write(_write, bytes, (nuint)text.Length));
    }

    private string At(string name) => Path.Combine(_files.Folder(_id), name);

    private async Task<string> BlocksAsync(string name) => (await ChildProcess.ShellAsync("sync \"$1\"; stat -c %b \"$1\"", At(name))).Expect(0).Output;
}
