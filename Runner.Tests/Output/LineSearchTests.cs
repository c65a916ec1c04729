using System.Diagnostics;
using System.Text;
using Runner.Output;

namespace Runner.Tests.Output;

public sealed class LineSearchTests
{
    [Theory]
    [InlineData("a\nb\nc\n", 2, 2)]
    [InlineData("a\nb\nc", 2, 2)]
    [InlineData("a\nb", 5, 0)]
    [InlineData("\n\n\n", 1, 2)]
    [InlineData("", 3, 0)]
    [InlineData("a", 0, 1)]
    public async Task The_last_lines_begin_after_the_newline_before_them(string text, int lines, long start)
    {
        var output = new WrittenOutput();
        output.Unrecorded(OutputKind.Stdout, text);
        Assert.Equal(start, await LineSearch.StartAsync(output.All.Stdout, 0, text.Length, lines, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Lines_longer_than_a_chunk_and_chunks_of_many_lines_are_counted_exactly()
    {
        var output = new WrittenOutput();
        var lines = Enumerable.Range(0, 3000).Select(i => new string('x', i % 100 == 0 ? 70_000 : i % 50) + "\n").ToArray();
        var text = string.Concat(lines);
        output.Unrecorded(OutputKind.Stdout, text);
        foreach (var count in new[] { 1, 2, 99, 100, 101, 1000, 2999, 3000, 4000 })
        {
            var expected = text.Length - lines.TakeLast(count).Sum(line => (long)line.Length);
            Assert.Equal(expected, await LineSearch.StartAsync(output.All.Stdout, 0, text.Length, count, TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task The_last_lines_of_ten_gigabytes_are_found_at_once()
    {
        using var folder = new Support.TemporaryFolder();
        const long Size = 10L << 30;
        var last = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 20).Select(i => $"line {i}\n")));
        using var file = File.OpenHandle(folder.At("sparse"), FileMode.CreateNew, FileAccess.ReadWrite);
        RandomAccess.Write(file, last, Size - last.Length);
        var log = new OutputLog(() => new FileBytes(file), Size, complete: true);
        var (clock, before) = (Stopwatch.StartNew(), GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(Size - (10 * "line 10\n".Length), await LineSearch.StartAsync(log, 0, Size, 10, TestContext.Current.CancellationToken));
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
    }

    [Fact]
    public async Task A_long_search_lets_others_have_its_thread_in_between()
    {
        const int Size = 10 << 20;
        var zeros = new Zeros();
        var oneThread = new TaskFactory(new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler);
        var search = oneThread.StartNew(() => LineSearch.StartAsync(new(() => zeros, Size, complete: true), Size, 1, TestContext.Current.CancellationToken), TestContext.Current.CancellationToken).Unwrap();
        var readsBefore = await oneThread.StartNew(() => zeros.Reads, TestContext.Current.CancellationToken);
        Assert.Equal(0, await search);
        Assert.InRange(readsBefore, 0, zeros.Reads / 2);
    }

    private sealed class Zeros : IOutputBytes
    {
        public int Reads { get; private set; }

        public int Read(long offset, Span<byte> buffer)
        {
            Reads++;
            buffer.Clear();
            return buffer.Length;
        }

        public void Dispose() { }
    }

    private sealed class FileBytes(Microsoft.Win32.SafeHandles.SafeFileHandle file) : IOutputBytes
    {
        public int Read(long offset, Span<byte> buffer) => RandomAccess.Read(file, buffer, offset);

        public void Dispose() { }
    }
}
