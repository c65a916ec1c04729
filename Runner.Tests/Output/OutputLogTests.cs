using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Runner.Output;

namespace Runner.Tests.Output;

public sealed class OutputLogTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_late_reader_gets_everything_from_the_first_byte()
    {
        var stream = new Written();
        stream.Write("one");
        stream.Write("two");
        stream.Log.Complete();
        Assert.Equal("onetwo", await ReadAllAsync(stream.Log));
    }

    [Fact]
    public async Task A_follower_waits_for_what_is_not_there_yet()
    {
        var stream = new Written();
        var reading = ReadAllAsync(stream.Log);
        Assert.False(reading.IsCompleted);
        stream.Write("late");
        Assert.False(reading.IsCompleted);
        stream.Log.Complete();
        Assert.Equal("late", await reading);
    }

    [Fact]
    public async Task A_reader_that_does_not_follow_ends_at_what_is_there()
    {
        var stream = new Written();
        stream.Write("now");
        using var reader = stream.Log.OpenReader();
        var buffer = new byte[10];
        Assert.Equal(3, await reader.ReadAsync(0, buffer, follow: false, Cancelled));
        Assert.Equal(0, await reader.ReadAsync(3, buffer, follow: false, Cancelled));
        Assert.Equal(0, await reader.ReadAsync(1000, buffer, follow: false, Cancelled));
    }

    [Fact]
    public async Task A_reader_that_gives_up_leaves_the_others_alone()
    {
        var stream = new Written();
        using var impatient = new CancellationTokenSource();
        using var reader = stream.Log.OpenReader();
        var waiting = reader.ReadAsync(0, new byte[10], follow: true, impatient.Token).AsTask();
        var other = ReadAllAsync(stream.Log);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        stream.Write("still");
        stream.Log.Complete();
        Assert.Equal("still", await other);
    }

    [Fact]
    public async Task Many_readers_at_random_times_each_get_every_byte_once()
    {
        var stream = new Written();
        var expected = new StringBuilder();
        var readers = new List<Task<string>>();
        for (var i = 0; i < 2000; i++)
        {
            if (i % 100 == 0) readers.Add(Task.Run(() => ReadAllAsync(stream.Log), Cancelled));
            expected.Append(i).Append('\n');
            stream.Write($"{i}\n");
        }
        stream.Log.Complete();
        foreach (var reader in readers) Assert.Equal(expected.ToString(), await reader.WaitAsync(TimeSpan.FromSeconds(30), Cancelled));
    }

    [Fact]
    public async Task Bytes_that_are_missing_from_the_store_are_an_error_not_an_end()
    {
        var log = new OutputLog(() => new Written.Bytes([1, 2, 3]), length: 5, complete: true);
        using var reader = log.OpenReader();
        Assert.Equal(3, await reader.ReadAsync(0, new byte[10], follow: true, Cancelled));
        await Assert.ThrowsAsync<IOException>(() => reader.ReadAsync(3, new byte[10], follow: true, Cancelled).AsTask());
    }

    [Theory]
    [InlineData("a\nb\nc\n", 2, "b\nc\n")]
    [InlineData("a\nb\nc", 2, "b\nc")]
    [InlineData("a\nb", 5, "a\nb")]
    [InlineData("\n\n\n", 1, "\n")]
    [InlineData("", 3, "")]
    [InlineData("a", 0, "")]
    public async Task The_last_lines_are_whole_lines(string text, int lines, string expected) => Assert.Equal(expected, await TailAsync(text, lines));

    [Fact]
    public async Task A_tail_is_cut_at_the_front_where_its_lines_are_too_long()
    {
        Assert.Equal(new string('y', OutputTail.MostBytes - 2) + "\nz", await TailAsync("x\n" + new string('y', 100_000) + "\nz", 2));
        Assert.Equal("z", await TailAsync(new string('y', 100_000) + "\nz", 1));
    }

    [Fact]
    public void The_last_lines_are_always_the_end_of_the_text() => Prop.ForAll(
        Gen.Elements('a', '\n').ListOf().Select(letters => string.Concat(letters)).Zip(Gen.Choose(0, 5)).ToArbitrary(),
        async pair =>
        {
            var (text, lines) = pair;
            var tail = await TailAsync(text, lines);
            var expected = text.Split('\n').Length - (text.EndsWith('\n') ? 1 : 0) is var all && text.Length == 0 ? 0 : Math.Min(lines, all);
            var found = tail.Length == 0 ? 0 : tail.Split('\n').Length - (tail.EndsWith('\n') ? 1 : 0);
            return text.EndsWith(tail, StringComparison.Ordinal) && found == expected;
        }).QuickCheckThrowOnFailure();

    private static async Task<string> TailAsync(string text, int lines)
    {
        var stream = new Written();
        stream.Write(text);
        return Encoding.UTF8.GetString((await OutputTail.ReadAsync(stream.Log, lines, Cancelled)).Span);
    }

    private static async Task<string> ReadAllAsync(OutputLog log)
    {
        using var reader = log.OpenReader();
        var (all, buffer) = (new StringBuilder(), new byte[7]);
        while (await reader.ReadAsync(all.Length, buffer, follow: true, Cancelled) is > 0 and var read)
            all.Append(Encoding.ASCII.GetString(buffer, 0, read));
        return all.ToString();
    }

    /// <summary>A stream whose bytes are in memory.</summary>
    private sealed class Written
    {
        private readonly List<byte> _bytes = [];

        public Written() => Log = new OutputLog(() => new Bytes(_bytes));

        public OutputLog Log { get; }

        public void Write(string text)
        {
            lock (_bytes) _bytes.AddRange(Encoding.ASCII.GetBytes(text));
            Log.Grow(_bytes.Count);
        }

        public sealed class Bytes(List<byte> bytes) : IOutputBytes
        {
            public int Read(long offset, Span<byte> buffer)
            {
                lock (bytes)
                {
                    var count = (int)Math.Min(buffer.Length, bytes.Count - offset);
                    for (var i = 0; i < count; i++) buffer[i] = bytes[(int)offset + i];
                    return Math.Max(count, 0);
                }
            }

            public void Dispose() { }
        }
    }
}
