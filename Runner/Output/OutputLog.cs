namespace Runner.Output;

/// <summary>
/// Every byte a job wrote to one stream: it grows, is completed once, and is read from any offset by any number of
/// readers, none of which can hold up the writer or another reader.
/// </summary>
sealed class OutputLog(Func<IOutputBytes> open, long length = 0, bool complete = false, KeptOutput? kept = null)
{
    private readonly Lock _lock = new();
    private long _length = length;
    private bool _complete = complete;

    // What is kept is one range. Its end is that of the stream until bytes are dropped there, and stands still from then on.
    private long _first = kept?.From ?? 0;
    private long _keptEnd = kept is { } && kept.From + length - kept.Dropped < length ? kept.From + length - kept.Dropped : long.MaxValue;
    private GapReason _reason = GapReason.OutputLimit;

    // Made only when somebody waits, so that growing costs nothing without readers.
    private TaskCompletionSource? _changed;

    /// <summary>Bytes captured so far.</summary>
    public long Length => Volatile.Read(ref _length);

    /// <summary>The first byte that is kept.</summary>
    public long First => Volatile.Read(ref _first);

    /// <summary>Past the last byte that is kept.</summary>
    public long KeptEnd => Math.Min(Length, Volatile.Read(ref _keptEnd)); // in this order: the length is written last

    /// <summary>How many are kept.</summary>
    public long StoredBytes => Math.Max(0, KeptEnd - First);

    /// <summary>Whether what comes now is dropped.</summary>
    public bool IsDropping => Volatile.Read(ref _keptEnd) != long.MaxValue;

    /// <summary>What of it is kept; null: everything.</summary>
    public KeptOutput? Kept
    {
        get
        {
            lock (_lock)
            {
                var dropped = _first + Math.Max(0, _length - Math.Max(_first, _keptEnd));
                return dropped == 0 ? null : new(_first, dropped);
            }
        }
    }

    /// <summary>Whether no more bytes will come; what <see cref="Length"/> is after this was true is final.</summary>
    public bool IsComplete => Volatile.Read(ref _complete);

    /// <summary>Whether a reader waits for more at this moment.</summary>
    internal bool HasWaiter => Volatile.Read(ref _changed) is not null;

    /// <summary>Tells that the stream now has this many bytes.</summary>
    public void Grow(long length) => Change(length, complete: false);

    /// <summary>Tells that no more bytes will come; readers that have everything are then at the end.</summary>
    public void Complete() => Change(Length, complete: true);

    /// <summary>Tells that the stream now has this many bytes, and that those which are new are not kept.</summary>
    public void GrowDropped(long length)
    {
        if (!IsDropping) Volatile.Write(ref _keptEnd, Length);
        Change(length, complete: false);
    }

    /// <summary>Tells that what stands before an offset is gone. To be told before it goes: a reader looks again after it has read.</summary>
    public void DropBefore(long first, GapReason reason = GapReason.OutputLimit)
    {
        lock (_lock)
        {
            if (first <= _first) return;
            _reason = reason;
            Volatile.Write(ref _first, first);
        }
    }

    /// <summary>A complete stream of which nothing is left.</summary>
    public static OutputLog Gone(long length, GapReason reason)
    {
        var log = new OutputLog(() => new NoBytes(), length, complete: true);
        log.DropBefore(length, reason);
        return log;
    }

    /// <summary>What is gone from an offset on; null: the byte there is kept, or yet to come.</summary>
    public OutputGap? GapAt(long offset)
    {
        var length = Length;
        if (First is var first && offset < first) return new(offset, first, _reason);
        return offset < length && offset >= Volatile.Read(ref _keptEnd) ? new(offset, length, _reason) : null;
    }

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

    private sealed class NoBytes : IOutputBytes
    {
        public int Read(long offset, Span<byte> buffer) => 0;

        public void Dispose() { }
    }
}
