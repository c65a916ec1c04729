using System.Text;
using Runner.Output;

namespace Runner.Tests.Output;

/// <summary>What a cap has taken is told and never read, by whichever way a reader comes.</summary>
public sealed class GapTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void A_gap_is_told_from_where_the_reader_stands()
    {
        var log = new OutputLog(() => new Letters());
        log.Grow(100);
        Assert.Equal((null, null), (log.GapAt(0), log.Kept));
        log.DropBefore(40);
        log.DropBefore(30);
        Assert.Equal(new OutputGap(0, 40, GapReason.OutputLimit), log.GapAt(0));
        Assert.Equal(new OutputGap(39, 40, GapReason.OutputLimit), log.GapAt(39));
        Assert.Null(log.GapAt(40));
        Assert.Null(log.GapAt(100));
        Assert.Equal(new KeptOutput(40, 40), log.Kept);
        log.GrowDropped(130);
        log.GrowDropped(150);
        Assert.Equal((100, 150), (log.KeptEnd, log.Length));
        Assert.Equal(new OutputGap(100, 150, GapReason.OutputLimit), log.GapAt(100));
        Assert.Equal(new OutputGap(149, 150, GapReason.OutputLimit), log.GapAt(149));
        Assert.Null(log.GapAt(150));
        Assert.Equal(new KeptOutput(40, 90), log.Kept);

        // As it is read again once it is stored.
        var stored = new OutputLog(() => new Letters(), 150, complete: true, log.Kept);
        Assert.Equal((40, 100, 150, log.Kept), (stored.First, stored.KeptEnd, stored.Length, stored.Kept));
    }

    [Fact]
    public void Of_what_was_removed_whole_everything_is_a_gap_with_its_reason()
    {
        var log = OutputLog.Gone(100, GapReason.Pruned);
        Assert.Equal(new OutputGap(7, 100, GapReason.Pruned), log.GapAt(7));
        Assert.Null(log.GapAt(100));
        Assert.Equal((true, new KeptOutput(100, 100)), (log.IsComplete, log.Kept));
    }

    [Fact]
    public void What_is_given_back_while_it_is_read_is_thrown_away()
    {
        OutputLog log = null!;
        log = new OutputLog(() => new Letters { OnRead = () => log.DropBefore(60) }, 100);
        using var reader = log.OpenReader();
        var buffer = new byte[10];
        Assert.Equal(0, reader.Read(50, buffer));
        Assert.Equal(new OutputGap(50, 60, GapReason.OutputLimit), log.GapAt(50));
        Assert.Equal(10, reader.Read(60, buffer));
        Assert.False(reader.Fill(59, buffer));
    }

    [Fact]
    public async Task Last_lines_are_looked_for_in_what_is_kept_and_where_they_are_not_enough_the_gap_comes_first()
    {
        var output = new WrittenOutput();
        output.Write(OutputKind.Stdout, "one\ntwo\nthree\n", 10);
        var log = output.All.Stdout;
        log.DropBefore(6);
        Assert.Equal(8, await LineSearch.StartAsync(log, 0, log.Length, 1, Token));
        Assert.Equal(0, await LineSearch.StartAsync(log, 0, log.Length, 5, Token));
        Assert.Equal("o\nthree\n", Encoding.ASCII.GetString((await OutputTail.ReadAsync(log, 10, Token)).Span));
        log.GrowDropped(100);
        Assert.Equal(8, await LineSearch.StartAsync(log, 0, log.Length, 1, Token));
        Assert.Equal("three\n", Encoding.ASCII.GetString((await OutputTail.ReadAsync(log, 1, Token)).Span));
        Assert.Equal("", Encoding.ASCII.GetString((await OutputTail.ReadAsync(OutputLog.Gone(100, GapReason.Pruned), 1, Token)).Span));
    }

    [Fact]
    public async Task A_search_that_a_cap_overtakes_ends_at_what_is_left()
    {
        OutputLog log = null!;
        var reads = 0;
        log = new OutputLog(() => new Letters { OnRead = () => log.DropBefore(++reads < 4 ? 0 : 900_000) }, 1_000_000);
        Assert.Equal(0, await LineSearch.StartAsync(log, 0, 1_000_000, 5, Token).WaitAsync(TimeSpan.FromSeconds(20), Token));
    }

    [Fact]
    public async Task Without_the_first_records_pieces_are_told_with_the_time_of_the_first_that_is_left()
    {
        var output = new WrittenOutput { EndedAt = 99 };
        foreach (var (text, at) in new[] { ("a\n", 10), ("b\n", 20), ("c\n", 30), ("d\n", 40) })
        {
            output.Write(OutputKind.Stdout, text, at);
            output.Write(OutputKind.Stderr, text.ToUpperInvariant(), at + 1);
        }
        output.GiveBackRecords(5); // the first that is left is C's
        output.End();
        var all = new OutputWish(null, OutputBegin.Start, Follow: false, Times: true);
        (OutputKind, long, string)[] left = [(OutputKind.Stderr, 31, "A\nB\nC\n"), (OutputKind.Stdout, 40, "a\nb\nc\nd\n"), (OutputKind.Stderr, 41, "D\n")];
        Assert.Equal(left, await output.ReadAsync(all));

        // Nobody knows what was captured at this time: everything is told.
        Assert.Equal(left, await output.ReadAsync(all with { Begin = Since(15) }));
        Assert.Equal([(OutputKind.Stdout, 40, "d\n"), (OutputKind.Stderr, 41, "D\n")], await output.ReadAsync(all with { Begin = Since(32) }));
        Assert.Equal([(OutputKind.Stdout, 40, "d\n"), (OutputKind.Stderr, 41, "D\n")], await output.ReadAsync(all with { Begin = new OutputBegin.LastLines(2) }));
        Assert.Equal(8, (await output.ReadAsync(all with { Begin = new OutputBegin.LastLines(8) })).Sum(piece => piece.Text.Count(letter => letter == '\n')));
        Assert.Equal([(OutputKind.Stderr, 31, "B\nC\n"), (OutputKind.Stderr, 41, "D\n")], await output.ReadAsync(all with { Stream = OutputKind.Stderr, Begin = new OutputBegin.At(2) }));
    }

    private static OutputBegin.Since Since(long ticks) => new(new(ticks, TimeSpan.Zero));

    private sealed class Letters : IOutputBytes
    {
        public Action OnRead { get; init; } = () => { };

        public int Read(long offset, Span<byte> buffer)
        {
            OnRead();
            buffer.Fill((byte)'x');
            return buffer.Length;
        }

        public void Dispose() { }
    }
}
