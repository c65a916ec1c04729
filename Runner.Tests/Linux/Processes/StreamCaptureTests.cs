using System.Runtime.InteropServices;
using Runner.Linux.Native;
using Runner.Linux.Processes;
using Runner.Output;
using Runner.Tests.Grpc;
using Runner.Tests.Support;

namespace Runner.Tests.Linux.Processes;

public sealed partial class StreamCaptureTests
{
    [Fact]
    public async Task Without_room_for_its_record_a_piece_is_not_told_and_then_is_though_nothing_more_is_written()
    {
        using var folder = new TemporaryFolder();
        using var loop = new EventLoop("test", e => throw e);
        var (read, write) = Pipes.CreateForJob();
        using var holdsOpen = write;

        // pwrite(2) on /dev/full always says ENOSPC (full(4)).
        using var index = Libc.Open("/dev/full", OpenFlags.WriteOnly | OpenFlags.CloseOnExec);
        using var room = Libc.Open(folder.At("index"), OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.CloseOnExec, 0x180);
        var file = Libc.Open(folder.At("stdout"), OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.CloseOnExec, 0x180);
        OutputLog log = new(() => throw new NotSupportedException()), records = new(() => throw new NotSupportedException());
        var (heldBack, goingOn) = (Waiting.NewSignal(), Waiting.NewSignal());
        var capture = new StreamCapture(
            loop, read, new(new(() => file), log, 0), OutputKind.Stderr, new IndexWriter(new(() => index), records), e =>
            {
                Assert.Equal(Errno.ENOSPC, e.Errno);
                heldBack.SetResult();
            }, goingOn.SetResult);
        capture.Start();
        Write("piece");
        await heldBack.Task.Soon();
        Assert.Equal((0, 0), (log.Length, records.Length));

        Assert.True(Duplicate(room.Number, index.Number) >= 0);
        await goingOn.Task.Soon();
        Assert.Equal((5, 24), (log.Length, records.Length));
        Write("more");
        await capture.FinishAsync().Soon();
        Assert.Equal("piecemore", await File.ReadAllTextAsync(folder.At("stdout"), TestContext.Current.CancellationToken));
        var written = await File.ReadAllBytesAsync(folder.At("index"), TestContext.Current.CancellationToken);
        var (first, second) = (OutputRecord.Read(written), OutputRecord.Read(written.AsSpan(24)));
        Assert.Equal(((0, 5), (5, 4), OutputKind.Stderr, 48), ((first.Offset, first.Length), (second.Offset, second.Length), second.Kind, written.Length));
        Assert.InRange(first.Ticks, 1, second.Ticks);

        unsafe void Write(string text)
        {
            var bytes = System.Text.Encoding.ASCII.GetBytes(text);
            fixed (byte* start = bytes) Assert.Equal(bytes.Length, Libc.Write(write, start, (nuint)bytes.Length));
        }
    }

    [Fact]
    public async Task A_pipe_that_another_reader_emptied_first_has_not_ended()
    {
        using var folder = new TemporaryFolder();
        using var loop = new EventLoop("test", e => throw e);
        var ((otherRead, otherWrite), (read, write)) = (Pipes.Create(), Pipes.CreateForJob());
        using Fd first = otherRead, firstWrite = otherWrite, holdsOpen = write, thief = Libc.Open($"/proc/self/fd/{read.Number}", OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        using var index = Libc.Open(folder.At("index"), OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.CloseOnExec, 0x180);
        OutputLog log = new(() => throw new NotSupportedException()), records = new(() => throw new NotSupportedException());
        var capture = new StreamCapture(
            loop, read, new(new(() => Libc.Open(folder.At("stdout"), OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.CloseOnExec, 0x180)), log, 0),
            OutputKind.Stdout, new IndexWriter(new(() => index), records), e => throw e, () => { });
        var stolen = Waiting.NewSignal();
        await loop.RunAsync(() =>
        {
            ulong token = 0;
            token = loop.Add(first, EpollEvents.Readable, _ =>
            {
                loop.Remove(token, first);
                Steal(1);
                stolen.SetResult();
            });
        }).Soon();
        capture.Start();

        // Both become ready while the loop is busy, in this order: so it is told of the second after that was emptied.
        await loop.RunAsync(() =>
        {
            Write(firstWrite, "x");
            Write(write, "y");
        }).Soon();
        await stolen.Task.Soon();
        await loop.RunAsync(() => Write(write, "told")).Soon();
        await capture.FinishAsync().Soon();
        Assert.Equal("told", await File.ReadAllTextAsync(folder.At("stdout"), TestContext.Current.CancellationToken));

        unsafe void Write(Fd to, string text)
        {
            var bytes = System.Text.Encoding.ASCII.GetBytes(text);
            fixed (byte* start = bytes) Assert.Equal(bytes.Length, Libc.Write(to, start, (nuint)bytes.Length));
        }

        unsafe void Steal(int count)
        {
            var bytes = stackalloc byte[count];
            Assert.Equal(count, Libc.Read(thief, bytes, (nuint)count));
        }
    }

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int Duplicate(int from, int to);
}
