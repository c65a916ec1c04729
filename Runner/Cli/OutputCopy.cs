using System.Runtime.InteropServices;
using Runner.Client;
using Runner.Jobs;
using Runner.Output;

namespace Runner.Cli;

/// <summary>Copies a job's output to a descriptor of this process, byte for byte and as it comes.</summary>
static partial class OutputCopy
{
    public const int Stdout = 1, Stderr = 2;

    /// <exception cref="OutputClosedException">Nobody reads the descriptor any more.</exception>
    public static async Task ToDescriptorAsync(
        RunnerClient client, JobId id, OutputKind kind, bool follow, int descriptor, CancellationToken cancellationToken)
    {
        await foreach (var piece in client.ReadAsync(id, kind, follow, cancellationToken))
            Write(descriptor, piece.Span);
    }

    // Not the platform's console stream, which drops what a closed pipe does not take and goes on, nor its file
    // stream, which keeps an offset of its own and would write over what `2>&1` put into the same file.
    private static unsafe void Write(int descriptor, ReadOnlySpan<byte> bytes)
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

    private const int EINTR = 4, EAGAIN = 11, EPIPE = 32;
    private const int Writable = 4; // POLLOUT, in the low half of the second word of struct pollfd (poll(2))

    [LibraryImport("libc", EntryPoint = "poll")]
    private static unsafe partial int Poll(int* entries, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint Write(int descriptor, byte* bytes, nuint count);
}

/// <summary>What the output goes to takes no more.</summary>
/// <param name="message">Why, in one sentence.</param>
/// <param name="broken">Its reader went away, which is no failure of ours.</param>
sealed class OutputClosedException(string message, bool broken) : Exception(message)
{
    public bool Broken { get; } = broken;
}
