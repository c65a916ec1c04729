namespace Runner.Output;

/// <summary>How much of each stream of a job is kept, and what is done with the rest.</summary>
/// <param name="Bytes">Most bytes of each stream; of the index of its pieces as well.</param>
/// <param name="Policy">What happens to more.</param>
sealed record OutputCap(long Bytes, OutputPolicy Policy)
{
    public const long Least = 64 * 1024;
    public const long Most = 1L << 50;
}

/// <summary>What is done when a stream has written as much as is kept of it.</summary>
enum OutputPolicy
{
    /// <summary>The oldest bytes make room for new ones: at least the newest 7/8 of the cap are kept.</summary>
    KeepTail,

    /// <summary>What comes later is taken from the job and dropped.</summary>
    KeepHead,

    /// <summary>The same, and the job is ended.</summary>
    StopJob,
}
