namespace Runner.Output;

/// <summary>What somebody wants of a job's output.</summary>
/// <param name="Stream">Which stream; null: both, in the order of capture.</param>
/// <param name="Begin">From where.</param>
/// <param name="Follow">Goes on until the job has ended; otherwise to what is there when it is asked.</param>
/// <param name="Limit">Most bytes; null: all.</param>
/// <param name="Times">With the time at which each piece was captured.</param>
sealed record OutputWish(OutputKind? Stream, OutputBegin Begin, bool Follow, long? Limit = null, bool Times = false)
{
    /// <summary>Most lines that can be asked for from the end.</summary>
    public const long MostLines = 1_000_000_000;

    public IReadOnlyList<OutputKind> Kinds => Stream is { } one ? [one] : [OutputKind.Stdout, OutputKind.Stderr];
}

/// <summary>Where in the output to begin.</summary>
abstract record OutputBegin
{
    private OutputBegin() { }

    public static OutputBegin Start { get; } = new At(0);

    /// <summary>At a byte of the stream.</summary>
    /// <param name="Offset">Of both streams that of standard output.</param>
    /// <param name="StderrOffset">Only of both streams: where standard error begins.</param>
    public sealed record At(long Offset, long StderrOffset = 0) : OutputBegin;

    /// <summary>At so many lines before what is there now; of both streams, lines in the order in which they ended.</summary>
    public sealed record LastLines(long Count) : OutputBegin;

    /// <summary>At so many bytes before what is there now. Only of one stream.</summary>
    public sealed record LastBytes(long Count) : OutputBegin;

    /// <summary>At the first piece captured at a time or later.</summary>
    public sealed record Since(DateTimeOffset Time) : OutputBegin;
}
