using System.Buffers.Binary;
using Runner.Linux.Native;
using Runner.Output;

namespace Runner.Linux.Processes;

/// <summary>
/// What is kept of a running job's streams, so that a server that comes after this one knows it exactly: for each the first
/// byte that is kept, and how many were dropped at the end. Made when a byte is given up first. Only on the capture loop's thread.
/// </summary>
sealed class KeptFile(LazyFile file) : IDisposable
{
    private const int Size = 16;

    /// <exception cref="LinuxException">The file does not take it.</exception>
    public unsafe void Write(OutputKind kind, long first, long dropped)
    {
        var bytes = stackalloc byte[Size];
        BinaryPrimitives.WriteInt64LittleEndian(new(bytes, 8), first);
        BinaryPrimitives.WriteInt64LittleEndian(new(bytes + 8, 8), dropped);
        var written = Libc.WriteAt(file.Open(), bytes, Size, (int)kind * Size);
        if (written < 0) throw LinuxException.Last("pwrite kept");
        if (written < Size) throw new LinuxException("pwrite kept", Errno.ENOSPC);
    }

    /// <summary>What was written of a stream; nothing if there is no such file.</summary>
    public static (long First, long Dropped) Read(string path, OutputKind kind)
    {
        Span<byte> bytes = stackalloc byte[Size];
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (RandomAccess.Read(file, bytes, (int)kind * Size) < Size) return default;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return default;
        }
        return (BinaryPrimitives.ReadInt64LittleEndian(bytes), BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]));
    }

    public void Dispose() => file.Dispose();
}
