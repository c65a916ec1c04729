using System.Buffers;
using System.Security.Cryptography;

namespace Runner.Output;

/// <summary>
/// SHA-256 of what is kept of a stream. Large ones take turns, so that the ends of many leave processors to everybody else.
/// </summary>
static class OutputDigest
{
    /// <summary>Of no bytes at all.</summary>
    public const string OfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private const int Chunk = 256 * 1024;
    private static readonly SemaphoreSlim s_turns = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <summary>In hexadecimal, of a stream that nothing is added to any more.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static async Task<string> OfAsync(OutputLog log)
    {
        if (log.StoredBytes <= Chunk) return await AloneAsync(log, CancellationToken.None).ConfigureAwait(false);
        await s_turns.WaitAsync().ConfigureAwait(false);
        try
        {
            return await AloneAsync(log, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            s_turns.Release();
        }
    }

    /// <summary>The same without a turn, for whoever makes one after the other: no end waits for that.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static async Task<string> AloneAsync(OutputLog log, CancellationToken cancellationToken)
    {
        var (from, end) = (log.First, log.KeptEnd);
        if (end <= from) return OfNothing;
        var isLarge = end - from > Chunk;
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(Chunk, end - from));
        try
        {
            using var reader = log.OpenReader();
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            while (from < end)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var read = reader.Read(from, buffer);
                hash.AppendData(buffer.AsSpan(0, read));
                from += read;
                if (isLarge) await Task.Yield(); // threads are few
            }
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
