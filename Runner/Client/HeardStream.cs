namespace Runner.Client;

/// <summary>
/// A connection that tells when the server is first heard on it, which is after it has accepted the client's certificate, and when
/// it has ended. In TLS 1.3 the client's half of the handshake is done before the server has looked at the certificate.
/// </summary>
sealed class HeardStream(Stream connection, Reconnection reconnection) : Stream
{
    private const int New = 0, Heard = 1, Ended = 2;
    private int _state;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var read = await connection.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (read > 0) Hear();
            else if (buffer.Length > 0) End();
            return read;
        }
        catch
        {
            End();
            throw;
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await connection.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            End();
            throw;
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => connection.Write(buffer, offset, count);

    public override Task FlushAsync(CancellationToken cancellationToken) => connection.FlushAsync(cancellationToken);

    public override void Flush() => connection.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            End();
            connection.Dispose();
        }
        base.Dispose(disposing);
    }

    private void Hear()
    {
        if (_state == New && Interlocked.CompareExchange(ref _state, Heard, New) == New) reconnection.Opened();
    }

    private void End()
    {
        if (Interlocked.Exchange(ref _state, Ended) == Heard) reconnection.Closed();
    }
}
