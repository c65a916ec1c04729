namespace Runner.Output;

/// <summary>Reads one log at its own pace, with memory for one buffer only. Not for concurrent calls.</summary>
sealed class OutputReader(OutputLog log, IOutputBytes bytes) : IDisposable
{
    /// <summary>Reads what follows an offset.</summary>
    /// <param name="offset">First byte wanted, from 0.</param>
    /// <param name="buffer">Where it goes; not empty.</param>
    /// <param name="follow">Waits for bytes that are not there yet.</param>
    /// <param name="cancellationToken">Stops this reader; the job goes on.</param>
    /// <returns>Bytes read; 0 at the end, which without <paramref name="follow"/> is what is there now.</returns>
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, bool follow, CancellationToken cancellationToken)
    {
        if (follow) await log.WaitPastAsync(offset, cancellationToken).ConfigureAwait(false);
        return Read(offset, buffer.Span);
    }

    /// <summary>Reads what is there now; 0 past its end.</summary>
    public int Read(long offset, Span<byte> buffer)
    {
        var length = log.Length;
        if (length <= offset) return 0;

        // Never past what the log says: bytes beyond it are not told to anybody yet.
        var wanted = (int)Math.Min(buffer.Length, length - offset);
        var read = bytes.Read(offset, buffer[..wanted]);
        return read > 0 ? read : throw new IOException($"the stored output ends at byte {offset} but should have {length}");
    }

    /// <summary>Reads a whole buffer, all of which must be there.</summary>
    public void Fill(long offset, Span<byte> buffer)
    {
        for (var read = 0; read < buffer.Length;) read += Read(offset + read, buffer[read..]);
    }

    public void Dispose() => bytes.Dispose();
}
