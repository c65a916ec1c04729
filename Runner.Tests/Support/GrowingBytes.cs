using System.Buffers;
using System.Text;

namespace Runner.Tests.Support;

/// <summary>What a stream has given so far, and a way to wait for more of it.</summary>
sealed class GrowingBytes
{
    public delegate bool Condition(ReadOnlySpan<byte> all);

    private readonly Lock _lock = new();
    private readonly ArrayBufferWriter<byte> _all = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _complete;

    public byte[] ToArray()
    {
        lock (_lock) return _all.WrittenSpan.ToArray();
    }

    public async Task FillAsync(Stream source)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await source.ReadAsync(buffer) is > 0 and var read) Change(buffer.AsSpan(0, read), complete: false);
        }
        finally
        {
            Change([], complete: true);
        }
    }

    /// <summary>Waits until the condition holds; the end of the stream before that fails the test.</summary>
    public async Task UntilAsync(Condition holds, string what, TimeSpan limit)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        giveUp.CancelAfter(limit);
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (holds(_all.WrittenSpan)) return;
                if (_complete) throw new EndOfStreamException($"the stream ended before {what}: {Encoding.UTF8.GetString(_all.WrittenSpan)}");
                changed = _changed.Task;
            }
            try
            {
                await changed.WaitAsync(giveUp.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"no {what} came: {Encoding.UTF8.GetString(ToArray())}");
            }
        }
    }

    private void Change(ReadOnlySpan<byte> more, bool complete)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            _all.Write(more);
            _complete = complete;
            (changed, _changed) = (_changed, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        changed.SetResult();
    }
}
