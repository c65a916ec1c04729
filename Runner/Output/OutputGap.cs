namespace Runner.Output;

/// <summary>Bytes of a stream that are not kept any more, or never were.</summary>
/// <param name="From">The first of them, at least as far as whoever is told wanted to read.</param>
/// <param name="To">The first byte after them.</param>
/// <param name="Reason">Why.</param>
readonly record struct OutputGap(long From, long To, GapReason Reason);

/// <summary>Why bytes are gone.</summary>
enum GapReason
{
    /// <summary>The stream wrote more than is kept of it.</summary>
    OutputLimit,

    /// <summary>All of it was removed to make room.</summary>
    Pruned,
}
