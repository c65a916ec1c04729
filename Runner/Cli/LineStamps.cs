using System.Buffers;
using System.Globalization;
using System.Text;

namespace Runner.Cli;

/// <summary>Puts before each line of a stream the time at which its first byte was captured. A line that comes in parts gets one.</summary>
sealed class LineStamps
{
    private readonly ArrayBufferWriter<byte> _stamped = new();
    private bool _inLine;

    /// <summary>The next bytes of the stream with their stamps; good until the next call.</summary>
    public ReadOnlySpan<byte> Stamp(ReadOnlySpan<byte> bytes, DateTimeOffset time)
    {
        _stamped.ResetWrittenCount();
        Span<byte> stamp = Encoding.ASCII.GetBytes(time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z '", CultureInfo.InvariantCulture));
        while (!bytes.IsEmpty)
        {
            if (!_inLine) _stamped.Write(stamp);
            var line = bytes.IndexOf((byte)'\n') is >= 0 and var newline ? bytes[..(newline + 1)] : bytes;
            _stamped.Write(line);
            _inLine = line[^1] != '\n';
            bytes = bytes[line.Length..];
        }
        return _stamped.WrittenSpan;
    }
}
