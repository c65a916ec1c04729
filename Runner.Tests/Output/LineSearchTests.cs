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
        var bytes = new FileBytes(file);
        var log = new OutputLog(() => bytes, Size, complete: true);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(Size - (10 * "line 10\n".Length), await LineSearch.StartAsync(log, 0, Size, 10, TestContext.Current.CancellationToken));
        Assert.InRange(bytes.Reads, 1, 4);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
    }

    [Fact]
    public Task A_long_search_lets_others_have_its_thread_in_between() =>
        LetsOthersInBetweenAsync(bytes => LineSearch.StartAsync(Log(bytes), 0, Size, 1, TestContext.Current.CancellationToken));

    [Fact]
    public Task So_does_a_walk_along_the_index() => LetsOthersInBetweenAsync(async bytes =>
    {
        using var index = new OutputIndex(Log(bytes));
        Assert.Equal(0, await index.EndBeforeAsync(OutputKind.Stderr, index.Count, TestContext.Current.CancellationToken));
    });

    [Fact]
    public Task So_does_a_search_in_many_small_pieces() => LetsOthersInBetweenAsync(async bytes =>
    {
        using var index = new OutputIndex(Log(bytes));
        var none = new OutputLog(() => bytes, complete: true);
        Assert.Equal(new long[] { 0, 0 }, await LineSearch.ShareAsync(new(none, none, none, () => 0), index, index.Count, [0, 0], 10, TestContext.Current.CancellationToken));
    });

    private const int Size = 24 << 20;

    private static OutputLog Log(Ones bytes) => new(() => bytes, Size, complete: true);

    /// <summary>With one thread for both, somebody who comes after the search has begun is not made to wait until it has ended.</summary>
    private static async Task LetsOthersInBetweenAsync(Func<Ones, Task> search)
    {
        using var ones = new Ones();
        var oneThread = new TaskFactory(new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler);
        var searching = oneThread.StartNew(() => search(ones), TestContext.Current.CancellationToken).Unwrap();
        var readsBefore = oneThread.StartNew(() => ones.Reads, TestContext.Current.CancellationToken);
        ones.SomebodyHasCome.Set();
        await searching;
        Assert.InRange(await readsBefore, 0, ones.Reads / 2);
    }

    private sealed class Ones : IOutputBytes
    {
        public ManualResetEventSlim SomebodyHasCome { get; } = new();

        public int Reads { get; private set; }

        public int Read(long offset, Span<byte> buffer)
        {
            SomebodyHasCome.Wait(TestContext.Current.CancellationToken);
            Reads++;
            buffer.Fill(1);
            return buffer.Length;
        }

        public void Dispose() { }
    }

    private sealed class FileBytes(Microsoft.Win32.SafeHandles.SafeFileHandle file) : IOutputBytes
    {
        public int Reads { get; private set; }

        public int Read(long offset, Span<byte> buffer)
        {
            Reads++;
            return RandomAccess.Read(file, buffer, offset);
        }

        public void Dispose() { }
    }
}
