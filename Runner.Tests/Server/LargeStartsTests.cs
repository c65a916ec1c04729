using System.Buffers.Binary;
using Microsoft.AspNetCore.Http;
using Runner.Server;
using Runner.Tests.Grpc;

namespace Runner.Tests.Server;

public sealed class LargeStartsTests
{
    [Fact]
    public async Task Large_starts_beyond_their_number_wait_and_are_then_turned_away_while_small_ones_pass()
    {
        using var starts = new LargeStarts(1, TimeSpan.FromMilliseconds(50));
        var first = await starts.EnterAsync(Request(100_000)).Soon();
        Assert.NotNull(first);
        Assert.Null(await starts.EnterAsync(Request(100_000)).Soon());
        Assert.NotNull(await starts.EnterAsync(Request(10)).Soon());
        first.Dispose();
        using var next = await starts.EnterAsync(Request(100_000)).Soon();
        Assert.NotNull(next);
    }

    [Fact]
    public async Task One_that_waits_gets_the_place_of_one_that_ends()
    {
        using var starts = new LargeStarts(1, TimeSpan.FromSeconds(30));
        var first = await starts.EnterAsync(Request(100_000)).Soon();
        var second = starts.EnterAsync(Request(100_000));
        first!.Dispose();
        using var place = await second.Soon();
        Assert.NotNull(place);
    }

    [Theory, InlineData(0), InlineData(3), InlineData(5), InlineData(70_000)]
    public async Task What_was_looked_at_is_still_there_to_be_read(int sent)
    {
        using var starts = new LargeStarts(1, TimeSpan.Zero);
        var request = Request(100_000, sent);
        using var place = await starts.EnterAsync(request).Soon();
        using var read = new MemoryStream();
        await request.Request.BodyReader.CopyToAsync(read, TestContext.Current.CancellationToken);
        Assert.Equal(sent, read.Length);
    }

    [Theory, InlineData(0, 1), InlineData(36L << 20, 1), InlineData(1L << 30, 8), InlineData(long.MaxValue, 16)]
    public async Task Memory_decides_how_many_there_may_be(long memory, int most)
    {
        using var starts = LargeStarts.Of(memory);
        for (var i = 0; i < most; i++) await starts.EnterAsync(Request(100_000)).Soon();
        Assert.False(starts.EnterAsync(Request(100_000)).IsCompleted);
    }

    /// <summary>A message that announces its length, of which so much has come.</summary>
    private static DefaultHttpContext Request(uint announced, int? sent = null)
    {
        var bytes = new byte[Math.Max(5, sent ?? 5)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), announced);
        return new() { Request = { Body = new MemoryStream(bytes, 0, sent ?? 5) } };
    }
}
