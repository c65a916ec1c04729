using System.Buffers.Binary;

namespace Runner.Output;

/// <summary>When one piece of a stream was captured, as a job's index keeps it: 24 bytes, little-endian, never changed.</summary>
/// <param name="Ticks">The time, in 100 ns since the year 1, UTC; never less than that of the record before.</param>
/// <param name="Kind">Which stream; on disk the top bit of the offset's word.</param>
/// <param name="Offset">Where the piece stands in its stream.</param>
/// <param name="Length">How many bytes it has.</param>
readonly record struct OutputRecord(long Ticks, OutputKind Kind, long Offset, long Length)
{
    public const int Size = 24;

    private const ulong IsStderr = 1UL << 63;

    public long End => Offset + Length;

    /// <summary>It was given back to make room and reads as zeros, maybe half of it: no record has neither a time nor a length.</summary>
    public bool IsGone => Ticks == 0 || Length == 0;

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Ticks);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], (ulong)Offset | (Kind is OutputKind.Stderr ? IsStderr : 0));
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], Length);
    }

    public static OutputRecord Read(ReadOnlySpan<byte> bytes)
    {
        var place = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        return new(
            BinaryPrimitives.ReadInt64LittleEndian(bytes),
            (place & IsStderr) != 0 ? OutputKind.Stderr : OutputKind.Stdout,
            (long)(place & ~IsStderr),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]));
    }
}
