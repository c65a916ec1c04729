using System.Text;
using Runner.Output;

namespace Runner.Tests.Output;

/// <summary>A job's output in memory, captured at times of the test's choice.</summary>
sealed class WrittenOutput
{
    private readonly List<byte> _stdout = [], _stderr = [], _index = [];

    public WrittenOutput() => All = new(new(() => new Bytes(_stdout)), new(() => new Bytes(_stderr)), new(() => new Bytes(_index)), () => EndedAt);

    public JobOutput All { get; }

    public long EndedAt { get; set; } = 1000;

    public void Write(OutputKind kind, string text, long ticks)
    {
        var offset = Unrecorded(kind, text);
        Span<byte> record = stackalloc byte[OutputRecord.Size];
        new OutputRecord(ticks, kind, offset, text.Length).Write(record);
        All.Index.Grow(Add(_index, record));
    }

    /// <summary>As a server leaves it that is killed between capture and record.</summary>
    public long Unrecorded(OutputKind kind, string text)
    {
        var log = All.Of(kind);
        var offset = log.Length;
        log.Grow(Add(kind is OutputKind.Stdout ? _stdout : _stderr, Encoding.ASCII.GetBytes(text)));
        return offset;
    }

    /// <summary>As a cap leaves the index: the records read as zeros.</summary>
    public void GiveBackRecords(int count)
    {
        lock (_index) for (var i = 0; i < count * OutputRecord.Size; i++) _index[i] = 0;
    }

    public void End()
    {
        All.Stdout.Complete();
        All.Stderr.Complete();
        All.Index.Complete();
    }

    /// <summary>The pieces as a reader tells them: stream, time and text.</summary>
    public async Task<List<(OutputKind Kind, long Ticks, string Text)>> ReadAsync(OutputWish wish)
    {
        var told = new List<(OutputKind, long, string)>();
        using var reader = await PieceReader.OpenAsync(All, wish, TestContext.Current.CancellationToken);
        var until = wish.Follow ? long.MaxValue : reader.Count;
        while (await reader.ReadAsync(until, TestContext.Current.CancellationToken) is { } piece)
        {
            var bytes = new byte[piece.Length];
            using var stream = All.Of(piece.Kind).OpenReader();
            for (var read = 0; read < bytes.Length;) read += stream.Read(piece.Offset + read, bytes.AsSpan(read));
            told.Add((piece.Kind, piece.Ticks, Encoding.ASCII.GetString(bytes)));
        }
        return told;
    }

    private static int Add(List<byte> all, ReadOnlySpan<byte> bytes)
    {
        lock (all)
        {
            all.AddRange(bytes);
            return all.Count;
        }
    }

    private sealed class Bytes(List<byte> bytes) : IOutputBytes
    {
        public int Read(long offset, Span<byte> buffer)
        {
            lock (bytes)
            {
                var count = (int)Math.Clamp(bytes.Count - offset, 0, buffer.Length);
                for (var i = 0; i < count; i++) buffer[i] = bytes[(int)offset + i];
                return count;
            }
        }

        public void Dispose() { }
    }
}
