namespace Runner.Output;

/// <summary>The last lines of a stream.</summary>
static class OutputTail
{
    /// <summary>Most bytes an answer holds, whatever the lines' length.</summary>
    public const int MostBytes = 64 * 1024;

    /// <summary>The last lines of what is there now, cut at the front to <see cref="MostBytes"/>.</summary>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(OutputLog log, int lines, CancellationToken cancellationToken)
    {
        var length = log.Length;
        if (lines <= 0 || length == 0) return default;

        var buffer = new byte[(int)Math.Min(MostBytes, length)];
        var start = length - buffer.Length;
        var filled = 0;
        using var reader = log.OpenReader();
        while (filled < buffer.Length)
        {
            var read = await reader.ReadAsync(start + filled, buffer.AsMemory(filled), follow: false, cancellationToken).ConfigureAwait(false);
            if (read == 0) break;
            filled += read;
        }
        return LastLines(buffer.AsMemory(0, filled), lines);
    }

    /// <summary>The last lines of some bytes; an end without a newline counts as a line.</summary>
    public static ReadOnlyMemory<byte> LastLines(ReadOnlyMemory<byte> bytes, int lines)
    {
        var span = bytes.Span;
        var end = span is [.., (byte)'\n'] ? span.Length - 1 : span.Length;
        for (var left = lines; left > 0; left--)
        {
            var newline = span[..end].LastIndexOf((byte)'\n');
            if (newline < 0) return bytes;
            if (left == 1) return bytes[(newline + 1)..];
            end = newline;
        }
        return default;
    }
}
