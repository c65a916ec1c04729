namespace Runner.Output;

/// <summary>All that a job wrote: both streams, and when each piece of them was captured.</summary>
/// <param name="Stdout">Its standard output; of a job that merges its streams both.</param>
/// <param name="Stderr">Its standard error.</param>
/// <param name="Index">An <see cref="OutputRecord"/> a piece, in the order of capture. Completed after both streams.</param>
/// <param name="EndedAt">When the job ended, in ticks. What no record covers, because a server was killed between capture and
/// record or kept none, counts as captured then. Asked only once the index is complete.</param>
sealed record JobOutput(OutputLog Stdout, OutputLog Stderr, OutputLog Index, Func<long> EndedAt)
{
    public OutputLog Of(OutputKind kind) => kind is OutputKind.Stdout ? Stdout : Stderr;
}
