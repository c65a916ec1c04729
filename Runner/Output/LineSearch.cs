using System.Buffers;

namespace Runner.Output;

/// <summary>Finds the last lines of streams of any size, reading backwards with memory for one chunk.</summary>
static class LineSearch
{
    private const int Chunk = 64 * 1024;
    private const byte Newline = (byte)'\n';

    /// <summary>
    /// Where the last lines before an offset begin, looked for no further back than another one; an end without a newline counts as a line.
    /// Where fewer are kept it is that other one, even if it is gone.
    /// </summary>
    public static async Task<long> StartAsync(OutputLog log, long from, long end, long lines, CancellationToken cancellationToken)
    {
        if (lines == 0 || end <= from) return end;
        using var reader = log.OpenReader();
        var (start, left) = (from, lines);
        end = Math.Min(end, log.KeptEnd);
        await BackwardsAsync(reader, from, end, (at, bytes) =>
        {
            // A newline that is the last byte ends the last line and begins none.
            if (at + bytes.Length == end && bytes is [.., Newline]) bytes = bytes[..^1];
            var count = System.MemoryExtensions.Count(bytes, Newline);
            if (count < left)
            {
                left -= count;
                return true;
            }
            var newline = bytes.Length;
            for (; left > 0; left--) newline = bytes[..newline].LastIndexOf(Newline);
            start = at + newline + 1;
            return false;
        }, cancellationToken).ConfigureAwait(false);
        return start;
    }

    /// <summary>How many of the last lines of both streams together are each one's, by when the lines ended.</summary>
    /// <param name="output">The streams.</param>
    /// <param name="index">Their index.</param>
    /// <param name="count">Records of it that count.</param>
    /// <param name="ends">The sizes of the streams that count, by <see cref="OutputKind"/>; an end without a newline ends a line.</param>
    /// <param name="lines">Most lines.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    public static async Task<long[]> ShareAsync(JobOutput output, OutputIndex index, long count, long[] ends, long lines, CancellationToken cancellationToken)
    {
        using OutputReader stdout = output.Stdout.OpenReader(), stderr = output.Stderr.OpenReader();
        long[] found = [0, 0], left = [.. ends];

        // What no record covers was captured last.
        foreach (var kind in new[] { OutputKind.Stderr, OutputKind.Stdout })
            await TakeAsync(kind, await index.EndBeforeAsync(kind, count, cancellationToken).ConfigureAwait(false) ?? long.MaxValue).ConfigureAwait(false);
        for (var position = count - 1; position >= 0 && found[0] + found[1] < lines && !index[position].IsGone; position--)
        {
            await TakeAsync(index[position].Kind, index[position].Offset).ConfigureAwait(false);
            await OutputIndex.PauseAsync(position, cancellationToken).ConfigureAwait(false);
        }

        // And what no record covers any more, first.
        foreach (var kind in new[] { OutputKind.Stderr, OutputKind.Stdout }) await TakeAsync(kind, 0).ConfigureAwait(false);
        return found;

        async ValueTask TakeAsync(OutputKind kind, long from)
        {
            var (to, end, most) = (left[(int)kind], ends[(int)kind], lines - found[0] - found[1]);
            if (from >= to || most <= 0) return;
            left[(int)kind] = from;
            var ended = 0L;
            await BackwardsAsync(kind is OutputKind.Stdout ? stdout : stderr, from, to, (at, bytes) =>
            {
                ended += System.MemoryExtensions.Count(bytes, Newline);
                if (at + bytes.Length == end && bytes is not [.., Newline]) ended++;
                return ended < most;
            }, cancellationToken).ConfigureAwait(false);
            found[(int)kind] += Math.Min(ended, most);
        }
    }

    /// <summary>Holds its thread for a chunk at a time: there are few, and a search may last for minutes.</summary>
    /// <param name="reader">Of what.</param>
    /// <param name="from">The first byte.</param>
    /// <param name="to">Past the last.</param>
    /// <param name="chunk">Gets where a chunk stands and its bytes, the last one first; false: enough.</param>
    /// <param name="cancellationToken">Stops it between chunks.</param>
    private static async ValueTask BackwardsAsync(OutputReader reader, long from, long to, ChunkHandler chunk, CancellationToken cancellationToken)
    {
        if (from >= to) return;
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(Chunk, to - from));
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();

                // What a cap takes meanwhile is no part of it any more.
                from = Math.Max(from, reader.First);
                if (to <= from) return;
                var length = (int)Math.Min(Chunk, to - from);
                if (!reader.Fill(to - length, buffer.AsSpan(0, length))) continue;
                to -= length;
                if (!chunk(to, buffer.AsSpan(0, length)) || to == from) return;
                await Task.Yield();
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private delegate bool ChunkHandler(long at, ReadOnlySpan<byte> bytes);
}
