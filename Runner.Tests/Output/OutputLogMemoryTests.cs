using Runner.Output;
using Runner.Tests.EndToEnd;

namespace Runner.Tests.Output;

/// <summary>What readers cost in memory, which is one for all tests of the process.</summary>
[Collection(Measured.Name)]
public sealed class OutputLogMemoryTests
{
    [Fact]
    public async Task A_reader_far_past_the_end_costs_nothing_for_each_byte_that_is_not_its()
    {
        var log = new OutputLog(() => new Unread());
        using var reader = log.OpenReader();
        var waiting = reader.ReadAsync(long.MaxValue / 2, new byte[10], follow: true, TestContext.Current.CancellationToken).AsTask();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 1; i <= 20_000; i++)
        {
            log.Grow(i);
            // Its turn to look, before the next change.
            while (!log.HasWaiter) await Task.Yield();
        }
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 4 << 20); // with a frame a change: 30 MB and more
        log.Complete();
        Assert.Equal(0, await waiting);
    }

    private sealed class Unread : IOutputBytes
    {
        public int Read(long offset, Span<byte> buffer) => throw new InvalidOperationException("There is nothing to read.");

        public void Dispose() { }
    }
}
