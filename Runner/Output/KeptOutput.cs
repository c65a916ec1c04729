namespace Runner.Output;

/// <summary>What of a stream is kept: one range of its bytes.</summary>
/// <param name="From">Where the range begins.</param>
/// <param name="Dropped">Bytes that are gone, before the range and after it.</param>
/// <param name="Sha256">Digest of the range in hexadecimal. Null: not made, as while the job runs.</param>
sealed record KeptOutput(long From, long Dropped, string? Sha256 = null)
{
    /// <summary>Of a stream that nothing was written to.</summary>
    public static readonly KeptOutput OfNothing = new(0, 0, OutputDigest.OfNothing);
}
