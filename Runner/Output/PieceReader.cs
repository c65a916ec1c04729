namespace Runner.Output;

/// <summary>A part of a stream that was captured at one time.</summary>
readonly record struct OutputPiece(OutputKind Kind, long Offset, long Length, long Ticks);

/// <summary>
/// Tells a job's pieces in the order in which they were captured, by its index; their bytes are there when they are told.
/// Not for concurrent calls.
/// </summary>
sealed class PieceReader : IDisposable
{
    private readonly JobOutput _output;
    private readonly IReadOnlyList<OutputKind> _kinds;
    private readonly OutputIndex _index;
    private readonly long[] _next = new long[2];
    private long _position;

    private PieceReader(JobOutput output, IReadOnlyList<OutputKind> kinds) =>
        (_output, _kinds, _index) = (output, kinds, new OutputIndex(output.Index));

    /// <summary>Opens one where a wish begins; waits for that only if it is a time to come and the wish is to follow.</summary>
    public static async Task<PieceReader> OpenAsync(JobOutput output, OutputWish wish, CancellationToken cancellationToken)
    {
        var reader = new PieceReader(output, wish.Kinds);
        try
        {
            await reader.GoToAsync(wish, cancellationToken).ConfigureAwait(false);
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>Where the next byte of a stream stands.</summary>
    public long NextOf(OutputKind kind) => _next[(int)kind];

    /// <summary>How many records there are to tell now.</summary>
    public long Count => _index.Count;

    /// <summary>The next piece; null at the end, which is the job's or the record given.</summary>
    public async ValueTask<OutputPiece?> ReadAsync(long until, CancellationToken cancellationToken)
    {
        while (_position < until)
        {
            if (_position >= _index.Count
                && await _output.Index.WaitPastAsync(_position * OutputRecord.Size, cancellationToken).ConfigureAwait(false) <= _position * OutputRecord.Size) break;
            var record = _index[_position++];
            if (record.IsGone) _position = Math.Max(_position, _index.First);
            else if (Take(record.Kind, record.End, record.Ticks) is { } piece) return piece;
            await OutputIndex.PauseAsync(_position, cancellationToken).ConfigureAwait(false);
        }
        if (!_output.Index.IsComplete || _position < _index.Count) return null;

        // What no record covers.
        return Take(OutputKind.Stdout, long.MaxValue, _output.EndedAt()) ?? Take(OutputKind.Stderr, long.MaxValue, _output.EndedAt());
    }

    /// <summary>Tells that what stands before an offset is not wanted any more, as it is gone.</summary>
    public void Skip(OutputKind kind, long offset) => _next[(int)kind] = Math.Max(_next[(int)kind], offset);

    public void Dispose() => _index.Dispose();

    private OutputPiece? Take(OutputKind kind, long end, long ticks)
    {
        if (!_kinds.Contains(kind)) return null;
        var start = _next[(int)kind];

        // After a power cut the index may know more than the stream has.
        end = Math.Min(end, _output.Of(kind).Length);
        if (end <= start) return null;
        _next[(int)kind] = end;
        return new(kind, start, end - start, ticks);
    }

    private async ValueTask GoToAsync(OutputWish wish, CancellationToken cancellationToken)
    {
        switch (wish.Begin)
        {
            case OutputBegin.Since(var time):
                await GoToTimeAsync(time.UtcTicks, wish.Follow, cancellationToken).ConfigureAwait(false);
                break;
            case OutputBegin.LastLines(var lines) when wish.Stream is null:
                await GoToLinesAsync(lines, cancellationToken).ConfigureAwait(false);
                break;
            case OutputBegin.At(var offset, var stderr) when wish.Stream is null:
                await GoToAsync(offset, stderr, cancellationToken).ConfigureAwait(false);
                break;
            case var begin when wish.Stream is { } kind:
                await GoToAsync(kind, await OffsetOfAsync(begin, _output.Of(kind), cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
                break;
        }
    }

    /// <summary>Where in one stream a beginning is that is no time.</summary>
    public static async ValueTask<long> OffsetOfAsync(OutputBegin begin, OutputLog log, CancellationToken cancellationToken) => begin switch
    {
        OutputBegin.At(var offset, _) => offset,
        OutputBegin.LastBytes(var count) => Math.Max(0, log.Length - count),
        OutputBegin.LastLines(var count) => await LineSearch.StartAsync(log, 0, log.Length, count, cancellationToken).ConfigureAwait(false),
        _ => throw new ArgumentException($"{begin} is no place in a stream", nameof(begin)),
    };

    private async ValueTask GoToAsync(OutputKind kind, long offset, CancellationToken cancellationToken)
    {
        _next[(int)kind] = offset;
        if (offset > 0) _position = Math.Max(0, await _index.LastOfAsync(kind, _index.Count, offset, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Behind what somebody has of both streams: the order goes on at the first piece that one of them lacks.</summary>
    private async ValueTask GoToAsync(long stdout, long stderr, CancellationToken cancellationToken)
    {
        (_next[(int)OutputKind.Stdout], _next[(int)OutputKind.Stderr]) = (stdout, stderr);
        if (stdout == 0 && stderr == 0) return;
        var count = _index.Count;
        _position = count;
        foreach (var kind in _kinds)
        {
            var last = await _index.LastOfAsync(kind, count, _next[(int)kind], cancellationToken).ConfigureAwait(false);

            // A stream without a record has none before the end of the index, but where the first ones are gone.
            if (last >= 0 || _index.IsCut) _position = Math.Min(_position, last >= 0 ? last : _index.First);
        }
    }

    private async ValueTask GoToTimeAsync(long ticks, bool wait, CancellationToken cancellationToken)
    {
        while (true)
        {
            var size = _output.Index.Length;
            _position = _index.Since(ticks);
            if (!wait || _position * OutputRecord.Size < size) break;
            if (await _output.Index.WaitPastAsync(size, cancellationToken).ConfigureAwait(false) <= size) break;
        }

        // What was captured before the first record that is left may be of that time or not: then it is told.
        var unknown = _index.IsCut && _position <= _index.First;
        var nothing = _output.Index.IsComplete && _position == _index.Count && _output.EndedAt() < ticks;
        foreach (var kind in _kinds)
            _next[(int)kind] = unknown ? 0 : nothing ? _output.Of(kind).Length : await EndBeforeAsync(kind, _position, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<long> EndBeforeAsync(OutputKind kind, long position, CancellationToken cancellationToken)
    {
        // Without a record before or after it nothing has come since.
        var length = _output.Of(kind).Length;
        return await _index.EndBeforeAsync(kind, position, cancellationToken).ConfigureAwait(false) ?? length;
    }

    private async ValueTask GoToLinesAsync(long lines, CancellationToken cancellationToken)
    {
        // What comes after this look is told as it comes.
        var (complete, count) = (_output.Index.IsComplete, _index.Count);
        var ends = new long[_kinds.Count];
        for (var i = 0; i < ends.Length; i++)
            ends[i] = Math.Min(_output.Of(_kinds[i]).KeptEnd, complete ? long.MaxValue : await EndBeforeAsync(_kinds[i], count, cancellationToken).ConfigureAwait(false));
        var share = await LineSearch.ShareAsync(_output, _index, count, ends, lines, cancellationToken).ConfigureAwait(false);

        // Fewer than are wanted: then all there ever were are, and what is gone of them is told.
        if (share.Sum() < lines) return;
        _position = count;
        foreach (var kind in _kinds)
        {
            _next[(int)kind] = await LineSearch.StartAsync(_output.Of(kind), 0, ends[(int)kind], share[(int)kind], cancellationToken).ConfigureAwait(false);
            if (share[(int)kind] > 0) _position = Math.Min(_position, Math.Max(0, await _index.LastOfAsync(kind, count, _next[(int)kind], cancellationToken).ConfigureAwait(false)));
        }
    }
}
