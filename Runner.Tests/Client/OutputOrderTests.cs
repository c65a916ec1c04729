using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Runner.Client;
using Runner.Output;

namespace Runner.Tests.Client;

/// <summary>A server that sends something else than what it was asked for is found out.</summary>
public sealed class OutputOrderTests
{
    private static readonly OutputWish s_stdout = new(OutputKind.Stdout, OutputBegin.Start, Follow: true);
    private static readonly OutputWish s_both = s_stdout with { Stream = null };
    private static readonly OutputWish s_tail = s_stdout with { Begin = new OutputBegin.LastLines(3) };

    [Fact]
    public void A_gap_a_repetition_and_a_false_start_are_errors()
    {
        AssertBroken(s_stdout, "sent byte 1 where byte 0 was due", Data(1, "x"));
        AssertBroken(s_stdout, "sent byte 4 where byte 3 was due", Data(0, "abc"), Data(4, "x"));
        AssertBroken(s_stdout, "sent byte 0 where byte 3 was due", Data(0, "abc"), Data(0, "abc"));
        AssertBroken(s_stdout with { Begin = new OutputBegin.At(9) }, "sent byte 0 where byte 9 was due", Data(0, "x"));
        AssertBroken(s_tail, "sent byte 99 where byte 101 was due", Data(100, "x"), Data(99, "x"));
        AssertBroken(s_both, "sent byte 1 where byte 0 was due", Data(0, "a"), Data(1, "x", V1.OutputStream.Stderr));
    }

    [Fact]
    public void Streams_and_bytes_that_were_not_asked_for_and_times_that_were_and_are_missing_are_errors()
    {
        AssertBroken(s_stdout, "sent Stderr, which was not asked for", Data(0, "x", V1.OutputStream.Stderr));
        AssertBroken(s_both, "did not say which stream it sent", Data(0, "x", V1.OutputStream.Unspecified));
        AssertBroken(s_stdout with { Limit = 3 }, "sent 4 bytes where 3 were asked for", Data(0, "abc"), Data(3, "d"));
        AssertBroken(s_stdout with { Times = true }, "did not say when the output was captured", Data(0, "x"));
    }

    [Fact]
    public void An_end_before_the_end_is_an_error()
    {
        AssertEnd(s_stdout, new() { Size = 4 }, "sent 3 bytes of 4", Data(0, "abc"));
        AssertEnd(s_stdout, new() { Size = 1 }, "sent 0 bytes of 1");
        AssertEnd(s_both, new() { Size = 3, StderrSize = 1 }, "sent 0 bytes of 1", Data(0, "abc"));
        AssertEnd(s_both, new() { Size = 4, StderrSize = 1 }, "sent 3 bytes of 4", Data(0, "abc"), Data(0, "e", V1.OutputStream.Stderr));
        AssertEnd(s_tail, new() { Size = 102 }, "sent 101 bytes of 102", Data(100, "x"));
    }

    [Fact]
    public void What_is_right_passes()
    {
        AssertEnd(s_both, new() { Size = 3, StderrSize = 1 }, null, Data(0, "a"), Data(0, "e", V1.OutputStream.Stderr), Data(1, "bc"));
        AssertEnd(s_tail, new() { Size = 101 }, null, Data(100, "x"));
        AssertEnd(s_tail, new() { Size = 101 }, null);
        AssertEnd(s_stdout with { Begin = new OutputBegin.At(9) }, new() { Size = 5 }, null);
        var time = DateTimeOffset.UnixEpoch.AddTicks(7);
        Assert.Equal(time, new OutputOrder(s_stdout with { Times = true }).Take(new V1.OutputData { CapturedAt = Timestamp.FromDateTimeOffset(time) }).CapturedAt);
    }

    [Fact]
    public void A_gap_takes_the_place_of_its_bytes_and_is_held_to_the_same_order()
    {
        var order = new OutputOrder(s_stdout);
        Assert.Equal(new OutputGap(0, 5, GapReason.Pruned), order.Take(Gap(0, 5, V1.GapReason.Pruned)).Gap);
        order.Take(Data(5, "abc"));
        order.Take(Gap(8, 9));
        Assert.Equal("told of a gap from byte 8 to 10 where byte 9 was due", Assert.Throws<InvalidDataException>(() => order.Take(Gap(8, 10))).Message);
        Assert.Equal("told of a gap from byte 9 to 9 where byte 9 was due", Assert.Throws<InvalidDataException>(() => order.Take(Gap(9, 9))).Message);
        Assert.Equal("sent byte 10 where byte 9 was due", Assert.Throws<InvalidDataException>(() => order.Take(Data(10, "x"))).Message);
        order.End(new() { Size = 9 });
        Assert.Equal("sent 9 bytes of 10", Assert.Throws<InvalidDataException>(() => order.End(new() { Size = 10 })).Message);

        static V1.OutputGap Gap(long from, long to, V1.GapReason reason = V1.GapReason.OutputLimit) =>
            new() { From = from, To = to, Reason = reason, Stream = V1.OutputStream.Stdout };
    }

    [Fact]
    public void A_follower_may_stop_before_the_end_only_at_its_limit()
    {
        Assert.False(new OutputOrder(s_stdout).MayStop);
        Assert.True(new OutputOrder(s_stdout with { Follow = false }).MayStop);
        var limited = new OutputOrder(s_stdout with { Limit = 3 });
        Assert.False(limited.MayStop);
        limited.Take(Data(0, "abc"));
        Assert.True(limited.MayStop);
    }

    private static V1.OutputData Data(long offset, string text, V1.OutputStream stream = V1.OutputStream.Stdout) =>
        new() { Offset = offset, Bytes = ByteString.CopyFromUtf8(text), Stream = stream };

    private static void AssertBroken(OutputWish wish, string sentence, params V1.OutputData[] messages)
    {
        var order = new OutputOrder(wish);
        foreach (var message in messages[..^1]) order.Take(message);
        Assert.Equal(sentence, Assert.Throws<InvalidDataException>(() => order.Take(messages[^1])).Message);
    }

    private static void AssertEnd(OutputWish wish, V1.OutputEnd end, string? sentence, params V1.OutputData[] messages)
    {
        var order = new OutputOrder(wish);
        foreach (var message in messages) order.Take(message);
        Assert.Equal(sentence, Record.Exception(() => order.End(end))?.Message);
    }
}
