using System.Runtime.InteropServices;
using System.Text;

namespace Runner.Cli;

/// <summary>A descriptor this process was born with, written as it is: in order, at the file's own offset, and no failure is lost.</summary>
sealed partial class StandardStream(int descriptor) : Stream
{
    public const int Stdout = 1, Stderr = 2;

    /// <summary>Text for people and scripts; throws <see cref="OutputClosedException"/> when it cannot be written.</summary>
    public static TextWriter Output { get; } = Text(new StandardStream(Stdout));

    /// <summary>What went wrong; when even that cannot be told, only the exit code tells.</summary>
    public static TextWriter Error { get; } = Text(new StandardStream(Stderr) { DropsFailures = true });

    private bool DropsFailures { get; init; }

    /// <summary>Fills descriptors that the parent left closed, before a socket or file of ours gets their numbers and is written to as if it were they.</summary>
    public static void HoldPlaces()
    {
        for (var place = 0; place <= Stderr; place++)
            if (GetFlags(place, F_GETFD) < 0)
                // The lowest free number is taken, which is this one. A folder can be opened everywhere and written nowhere.
                _ = Open("/", O_RDONLY);
    }

    /// <exception cref="OutputClosedException">The descriptor takes no more.</exception>
    // Not the platform's console stream, which drops what a closed pipe does not take and goes on, nor its file
    // stream, which keeps an offset of its own and would write over what `2>&1` put into the same file.
    public static unsafe void Write(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            for (nint written = 0; written < bytes.Length;)
            {
                var count = Write(descriptor, start + written, (nuint)(bytes.Length - written));
                if (count >= 0) written += count;
                else WaitOrThrow(descriptor, Marshal.GetLastPInvokeError());
            }
        }
    }

    /// <summary>A pipe that somebody else set to not block is waited for, like any other.</summary>
    private static unsafe void WaitOrThrow(int descriptor, int errno)
    {
        if (errno == EAGAIN)
        {
            var entry = stackalloc int[] { descriptor, Writable };
            _ = Poll(entry, 1, -1);
        }
        else if (errno != EINTR)
        {
            throw new OutputClosedException($"cannot write the output: {Marshal.GetPInvokeErrorMessage(errno)}", broken: errno == EPIPE);
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            Write(descriptor, buffer);
        }
        catch (OutputClosedException) when (DropsFailures)
        {
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private static TextWriter Text(StandardStream stream) =>
        TextWriter.Synchronized(new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true, NewLine = "\n" });

    private const int EINTR = 4, EAGAIN = 11, EPIPE = 32, F_GETFD = 1, O_RDONLY = 0;
    private const int Writable = 4; // POLLOUT, in the low half of the second word of struct pollfd (poll(2))

    [LibraryImport("libc", EntryPoint = "poll")]
    private static unsafe partial int Poll(int* entries, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint Write(int descriptor, byte* bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int GetFlags(int descriptor, int command);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}

/// <summary>What the output goes to takes no more.</summary>
/// <param name="message">Why, in one sentence.</param>
/// <param name="broken">Its reader went away, which is no failure of ours.</param>
sealed class OutputClosedException(string message, bool broken) : Exception(message)
{
    public bool Broken { get; } = broken;
}
