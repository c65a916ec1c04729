using System.Buffers;

namespace Runner.Server;

/// <summary>
/// What followers read into while something is sent to them. The more of them hold a buffer at once, stalled ones included,
/// the smaller the next one is, so that all together stay small whatever their number.
/// </summary>
sealed class SendBuffers
{
    // Pools keep blocks of powers of two; with what stands around its bytes a message is to fit into one of them as well.
    private const int Largest = 64 * 1024, Smallest = 8 * 1024, Around = 256;
    private const int Together = 4 * 1024 * 1024;

    private int _lent;

    /// <summary>A buffer and how much of it may be used; give it back.</summary>
    public (byte[] Buffer, int Size) Rent(long wanted)
    {
        var (size, lent) = (Largest, Interlocked.Increment(ref _lent));
        while (size > Smallest && (long)size * lent > Together) size /= 2;
        size = (int)Math.Min(size - Around, wanted);
        return (ArrayPool<byte>.Shared.Rent(size), size);
    }

    public void Return(byte[] buffer)
    {
        Interlocked.Decrement(ref _lent);
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
