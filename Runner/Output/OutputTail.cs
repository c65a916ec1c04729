namespace Runner.Output;

/// <summary>The last lines of a stream, small enough for one answer.</summary>
static class OutputTail
{
    /// <summary>Most bytes an answer holds, whatever the lines' length.</summary>
    public const int MostBytes = 64 * 1024;

    /// <summary>The last lines of what is kept now, cut at the front to <see cref="MostBytes"/>.</summary>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(OutputLog log, int lines, CancellationToken cancellationToken)
    {
        using var reader = log.OpenReader();
        while (true)
        {
            var end = log.KeptEnd;
            var start = await LineSearch.StartAsync(log, Math.Max(log.First, end - MostBytes), end, lines, cancellationToken).ConfigureAwait(false);
            if (start >= end) return default;
            var tail = new byte[end - start];
            if (reader.Fill(start, tail)) return tail;

            // A cap has taken it meanwhile: there is more now.
        }
    }
}
