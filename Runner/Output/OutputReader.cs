namespace Runner.Output;

/// <summary>Reads one log at its own pace, with memory for one buffer only. Not for concurrent calls.</summary>
sealed class OutputReader(OutputLog log, IOutputBytes bytes) : IDisposable
{
    /// <summary>Reads what follows an offset.</summary>
    /// <param name="offset">First byte wanted, from 0.</param>
    /// <param name="buffer">Where it goes; not empty.</param>
    /// <param name="follow">Waits for bytes that are not there yet.</param>
    /// <param name="cancellationToken">Stops this reader; the job goes on.</param>
    /// <returns>Bytes read; 0 at the end, which without <paramref name="follow"/> is what is there now, and in a gap.</returns>
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, bool follow, CancellationToken cancellationToken)
    {
        if (follow) await log.WaitPastAsync(offset, cancellationToken).ConfigureAwait(false);
        return Read(offset, buffer.Span);
    }

    /// <summary>The first byte that is kept.</summary>
    public long First => log.First;

    /// <summary>Reads what is there now; 0 past its end, and where <see cref="OutputLog.GapAt"/> tells that it is gone.</summary>
    public int Read(long offset, Span<byte> buffer)
    {
        var end = log.KeptEnd;
        if (end <= offset || offset < log.First) return 0;

        // Never past what the log says: bytes beyond it are not told to anybody yet.
        var wanted = (int)Math.Min(buffer.Length, end - offset);
        var read = bytes.Read(offset, buffer[..wanted]);

        // What was given back meanwhile reads as zeros.
        if (offset < log.First) return 0;
        return read > 0 ? read : throw new IOException($"the stored output ends at byte {offset} but should have {end}");
    }

    /// <summary>Reads a whole buffer, all of which was there; false: not all of it is kept any more.</summary>
    public bool Fill(long offset, Span<byte> buffer)
    {
        for (var filled = 0; filled < buffer.Length;)
        {
            var read = Read(offset + filled, buffer[filled..]);
            if (read == 0) return false;
            filled += read;
        }

        // Its beginning may have gone since it was read, which does no harm: it was there.
        return true;
    }

    public void Dispose() => bytes.Dispose();
}
