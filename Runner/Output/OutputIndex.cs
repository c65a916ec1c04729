namespace Runner.Output;

/// <summary>
/// Looks things up in a job's index, a block at a time. Its times never go back, so a time is found by halving; where a
/// stream stood is found from the nearest record of it. The oldest records may be gone. Not for concurrent calls.
/// </summary>
sealed class OutputIndex(OutputLog log) : IDisposable
{
    private const int BlockRecords = 128;
    private const int WalkRecords = 8 * BlockRecords;

    private readonly OutputReader _reader = log.OpenReader();
    private readonly byte[] _block = new byte[BlockRecords * OutputRecord.Size];
    private long _first;
    private int _filled;

    /// <summary>Records there are now.</summary>
    public long Count => log.Length / OutputRecord.Size;

    public OutputRecord this[long position]
    {
        get
        {
            if (position < _first || position >= _first + _filled) Fill(position);
            return OutputRecord.Read(_block.AsSpan((int)(position - _first) * OutputRecord.Size));
        }
    }

    /// <summary>The first record of a time or later; how many there are if all are earlier.</summary>
    public long Since(long ticks)
    {
        var (low, high) = (0L, Count);
        while (low < high)
        {
            var middle = low + (high - low) / 2;
            if (this[middle].Ticks < ticks) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>The first record that is kept.</summary>
    public long First => Since(1); // what is gone has the time 0

    /// <summary>Whether records are gone.</summary>
    public bool IsCut => Count > 0 && this[0].IsGone;

    /// <summary>Where a stream stood before a record: the end of its nearest piece before that. Null: nobody knows any more.</summary>
    public async ValueTask<long?> EndBeforeAsync(OutputKind kind, long position, CancellationToken cancellationToken)
    {
        if (await LastOfAsync(kind, position, long.MaxValue, cancellationToken).ConfigureAwait(false) is >= 0 and var found) return this[found].End;
        if (!IsCut) return 0;

        // Its next piece began where it stood.
        for (position = Math.Max(position, First); position < Count; position++)
        {
            if (this[position] is { IsGone: false } record && record.Kind == kind) return record.Offset;
            await PauseAsync(position, cancellationToken).ConfigureAwait(false);
        }
        return null;
    }

    /// <summary>The last record of a stream before a position that begins at an offset or below it; −1 if there is none, or none any more.</summary>
    public async ValueTask<long> LastOfAsync(OutputKind kind, long before, long offset, CancellationToken cancellationToken)
    {
        for (var position = before - 1; position >= 0; position--)
        {
            var record = this[position];
            if (record.IsGone) return -1;
            if (record.Kind == kind && record.Offset <= offset) return position;
            await PauseAsync(position, cancellationToken).ConfigureAwait(false);
        }
        return -1;
    }

    /// <summary>Lets others have the thread now and then: there are few, and a walk past millions of records lasts.</summary>
    public static async ValueTask PauseAsync(long position, CancellationToken cancellationToken)
    {
        if (position == 0 || position % WalkRecords != 0) return;
        cancellationToken.ThrowIfCancellationRequested();
        await Task.Yield();
    }

    public void Dispose() => _reader.Dispose();

    private void Fill(long position)
    {
        _first = position - position % BlockRecords;
        _filled = 0;
        var wanted = (int)Math.Min(BlockRecords, Count - _first) * OutputRecord.Size;
        _ = _reader.Fill(_first * OutputRecord.Size, _block.AsSpan(0, wanted));
        _filled = wanted / OutputRecord.Size;
    }
}
