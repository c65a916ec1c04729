namespace Runner.Output;

/// <summary>
/// Every byte a job wrote to one stream: it grows, is completed once, and is read from any offset by any number of
/// readers, none of which can hold up the writer or another reader.
/// </summary>
sealed class OutputLog(Func<IOutputBytes> open, long length = 0, bool complete = false)
{
    private readonly Lock _lock = new();
    private long _length = length;
    private bool _complete = complete;

    // Made only when somebody waits, so that growing costs nothing without readers.
    private TaskCompletionSource? _changed;

    /// <summary>Bytes captured so far.</summary>
    public long Length => Volatile.Read(ref _length);

    /// <summary>Whether no more bytes will come; what <see cref="Length"/> is after this was true is final.</summary>
    public bool IsComplete => Volatile.Read(ref _complete);

    /// <summary>Whether a reader waits for more at this moment.</summary>
    internal bool HasWaiter => Volatile.Read(ref _changed) is not null;

    /// <summary>Tells that the stream now has this many bytes.</summary>
    public void Grow(long length) => Change(length, complete: false);

    /// <summary>Tells that no more bytes will come; readers that have everything are then at the end.</summary>
    public void Complete() => Change(Length, complete: true);

    /// <summary>A new reader; dispose it.</summary>
    public OutputReader OpenReader() => new(this, open());

    /// <summary>Waits until there is something past an offset, or the log is complete.</summary>
    /// <returns>The length then, which is not past the offset only if the log is complete.</returns>
    /// <param name="offset">The first byte wanted.</param>
    /// <param name="cancellationToken">Stops this wait; the log goes on.</param>
    internal ValueTask<long> WaitPastAsync(long offset, CancellationToken cancellationToken)
    {
        Task changed;
        lock (_lock)
        {
            if (_length > offset || _complete) return new(_length);

            // Taken under the lock, so that a change after the look above always wakes us.
            changed = (_changed ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        return WaitAgainAsync(changed, offset, cancellationToken);
    }

    private async ValueTask<long> WaitAgainAsync(Task changed, long offset, CancellationToken cancellationToken)
    {
        // A loop: one that called itself would keep a frame for every change that brings nothing.
        while (true)
        {
            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
            lock (_lock)
            {
                if (_length > offset || _complete) return _length;
                changed = (_changed ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
        }
    }

    private void Change(long length, bool complete)
    {
        TaskCompletionSource? changed;
        lock (_lock)
        {
            if (_complete) return;
            _length = length;
            _complete = complete;
            (changed, _changed) = (_changed, null);
        }
        changed?.SetResult();
    }
}
