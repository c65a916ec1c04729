using System.Buffers;

namespace Runner.Server;

/// <summary>
/// What followers read into while something is sent to them. The more of them hold a buffer at once, stalled ones included,
/// the smaller the next one is, so that all together stay small whatever their number.
/// </summary>
sealed class SendBuffers
{
    // With the headers around it a message is below 64 KiB, the size of the blocks that pools keep.
    public const int Largest = 64 * 1024 - 256;
    public const int Smallest = 8 * 1024 - 256;
    private const int Together = 4 * 1024 * 1024;

    private int _lent;

    /// <summary>How many are held now.</summary>
    public int Lent => Volatile.Read(ref _lent);

    /// <summary>A buffer and how much of it may be used; give it back.</summary>
    public (byte[] Buffer, int Size) Rent(long wanted)
    {
        var size = Math.Clamp(Together / Interlocked.Increment(ref _lent) - 256, Smallest, Largest);
        if (wanted < size) size = (int)wanted;
        return (ArrayPool<byte>.Shared.Rent(size), size);
    }

    public void Return(byte[] buffer)
    {
        Interlocked.Decrement(ref _lent);
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
