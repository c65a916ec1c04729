using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Runner.Output;

namespace Runner.Tests.Output;

public sealed class PieceReaderTests
{
    private const OutputKind Stdout = OutputKind.Stdout, Stderr = OutputKind.Stderr;

    private static readonly OutputWish s_all = new(null, OutputBegin.Start, Follow: false, Times: true);

    [Theory]
    [InlineData(0, false, 0, 1)]
    [InlineData(638_000_000_000_000_000, true, long.MaxValue - 1, 1)]
    [InlineData(long.MaxValue, true, 0, long.MaxValue)]
    public void A_record_survives_its_24_bytes(long ticks, bool isStderr, long offset, long length)
    {
        var record = new OutputRecord(ticks, isStderr ? Stderr : Stdout, offset, length);
        var bytes = new byte[24];
        record.Write(bytes);
        Assert.Equal(record, OutputRecord.Read(bytes));
    }

    [Fact]
    public async Task Pieces_come_in_the_order_in_which_they_were_captured_with_their_times()
    {
        var output = new WrittenOutput();
        output.Write(Stdout, "one", 10);
        output.Write(Stderr, "two", 20);
        output.Write(Stdout, "three", 30);
        Assert.Equal([(Stdout, 10, "one"), (Stderr, 20, "two"), (Stdout, 30, "three")], await output.ReadAsync(s_all));
        Assert.Equal([(Stderr, 20, "two")], await output.ReadAsync(s_all with { Stream = Stderr }));
    }

    [Fact]
    public async Task A_follower_is_told_live_to_the_end()
    {
        var output = new WrittenOutput();
        output.Write(Stdout, "early", 10);
        var following = output.ReadAsync(s_all with { Follow = true });
        output.Write(Stderr, "late", 20);
        Assert.False(following.IsCompleted);
        output.End();
        Assert.Equal([(Stdout, 10, "early"), (Stderr, 20, "late")], await following.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_a_killed_server_left_without_a_record_comes_last_and_counts_as_captured_at_the_end()
    {
        var output = new WrittenOutput { EndedAt = 99 };
        output.Write(Stdout, "one", 10);
        output.Unrecorded(Stderr, "lost");
        output.Unrecorded(Stdout, "also");
        output.End();
        Assert.Equal([(Stdout, 10, "one"), (Stdout, 99, "also"), (Stderr, 99, "lost")], await output.ReadAsync(s_all));
        Assert.Equal([(Stdout, 99, "also"), (Stderr, 99, "lost")], await output.ReadAsync(s_all with { Begin = Since(50) }));
        Assert.Empty(await output.ReadAsync(s_all with { Begin = Since(100) }));
        Assert.Equal([(Stderr, 99, "lost")], await output.ReadAsync(s_all with { Begin = new OutputBegin.LastLines(1) }));
    }

    [Fact]
    public async Task A_job_without_an_index_is_read_as_captured_at_its_end()
    {
        var output = new WrittenOutput { EndedAt = 99 };
        output.Unrecorded(Stdout, "a\nb\n");
        output.Unrecorded(Stderr, "c\n");
        output.End();
        Assert.Equal([(Stdout, 99, "a\nb\n"), (Stderr, 99, "c\n")], await output.ReadAsync(s_all));
        Assert.Equal([(Stdout, 99, "b\n"), (Stderr, 99, "c\n")], await output.ReadAsync(s_all with { Begin = new OutputBegin.LastLines(2) }));
        Assert.Equal([(Stdout, 99, "b\n")], await output.ReadAsync(s_all with { Stream = Stdout, Begin = new OutputBegin.At(2) }));
    }

    [Fact]
    public async Task A_time_to_come_is_waited_for_and_what_comes_before_it_is_left_out()
    {
        var output = new WrittenOutput();
        output.Write(Stdout, "before", 10);
        var following = output.ReadAsync(s_all with { Begin = Since(50), Follow = true });
        output.Write(Stdout, "still before", 49);
        output.Write(Stderr, "now", 50);
        output.End();
        Assert.Equal([(Stderr, 50, "now")], await following.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Whatever_was_written_a_beginning_is_found_exactly() => Prop.ForAll(Jobs(), sample =>
    {
        var (pieces, begin) = sample;
        var output = new WrittenOutput { EndedAt = 1 + pieces.Length }; // no record has the time 0
        for (var i = 0; i < pieces.Length; i++)
        {
            if (pieces[i].Recorded) output.Write(pieces[i].Kind, pieces[i].Text, 1 + i / 2);
            else output.Unrecorded(pieces[i].Kind, pieces[i].Text);
        }
        output.End();
        foreach (var wish in new[] { s_all, s_all with { Stream = Stdout }, s_all with { Stream = Stderr } })
        {
            Assert.Equal(Expected(pieces, wish.Kinds, lines: begin), Text(output.ReadAsync(wish with { Begin = new OutputBegin.LastLines(begin) })));
            Assert.Equal(Expected(pieces, wish.Kinds, since: begin), Text(output.ReadAsync(wish with { Begin = Since(begin) })));
        }
    }).QuickCheckThrowOnFailure();

    /// <summary>Recorded pieces of both streams, then such as no record covers, of standard output first: the order in which they are told.</summary>
    private static Arbitrary<((OutputKind Kind, string Text, bool Recorded)[] Pieces, int Begin)> Jobs()
    {
        var text = Gen.Elements('a', 'b', '\n').NonEmptyListOf().Select(letters => string.Concat(letters));
        var recorded = Gen.Elements(Stdout, Stderr).Zip(text).Select(pair => (pair.Item1, pair.Item2, true)).ListOf();
        var tail = text.Zip(text).Zip(Gen.Elements(false, true)).Select(pair => pair.Item2
            ? new[] { (Stdout, pair.Item1.Item1, false), (Stderr, pair.Item1.Item2, false) }
            : []);
        return recorded.Zip(tail).Select(pair => pair.Item1.Concat(pair.Item2).ToArray()).Zip(Gen.Choose(0, 8)).ToArbitrary();
    }

    /// <summary>The simplest way to say it: every byte on its own.</summary>
    private static string Expected((OutputKind Kind, string Text, bool Recorded)[] pieces, IReadOnlyList<OutputKind> kinds, int? lines = null, int? since = null)
    {
        var bytes = pieces
            .SelectMany((piece, i) => piece.Text.Select(letter => (piece.Kind, Letter: letter, Time: 1 + (piece.Recorded ? i / 2 : pieces.Length))))
            .Where(b => kinds.Contains(b.Kind)).ToList();
        if (since is { } time) return string.Concat(bytes.Where(b => b.Time >= time).Select(b => $"{(int)b.Kind}{b.Letter}"));

        // Each byte's line: its stream, and how many lines of that stream ended before it.
        var (count, line, ends) = (new int[2], new List<(OutputKind, int)>(), new List<(OutputKind, int)>());
        for (var i = 0; i < bytes.Count; i++)
        {
            var kind = bytes[i].Kind;
            line.Add((kind, count[(int)kind]));
            var isLast = bytes.FindLastIndex(b => b.Kind == kind) == i;
            if (bytes[i].Letter != '\n' && !isLast) continue;
            ends.Add(line[i]);
            count[(int)kind]++;
        }
        var wanted = ends.TakeLast(lines!.Value).ToHashSet();
        return string.Concat(bytes.Where((_, i) => wanted.Contains(line[i])).Select(b => $"{(int)b.Kind}{b.Letter}"));
    }

    private static string Text(Task<List<(OutputKind Kind, long Ticks, string Text)>> pieces)
    {
        Assert.True(pieces.IsCompleted);
        var text = new StringBuilder();
        foreach (var (kind, _, bytes) in pieces.Result)
            foreach (var letter in bytes) text.Append((int)kind).Append(letter);
        return text.ToString();
    }

    private static OutputBegin.Since Since(long ticks) => new(new DateTimeOffset(ticks, TimeSpan.Zero));
}
