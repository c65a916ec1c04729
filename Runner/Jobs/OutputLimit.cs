using Runner.Output;

namespace Runner.Jobs;

/// <summary>How much is kept of each of a job's streams. As asked for, a part that is null is the server's to choose; in force, none is.</summary>
/// <param name="Bytes">Most bytes of each stream.</param>
/// <param name="Policy">What is done with more.</param>
sealed record OutputLimit(long? Bytes = null, OutputPolicy? Policy = null)
{
    public OutputCap? ToCap() => this is { Bytes: { } bytes, Policy: { } policy } ? new(bytes, policy) : null;
}

/// <summary>What a server allows of output: for a job that asks for nothing, and at most.</summary>
/// <param name="Most">Bytes of each stream; null: no end.</param>
/// <param name="CanGiveBack">Whether the head of a file can be given back to the disk while its tail is kept.</param>
sealed record OutputAllowance(long? Most, bool CanGiveBack)
{
    /// <summary>What a job is held to; null: nothing.</summary>
    /// <exception cref="JobException">It asked for more than there is, or for what this machine cannot do.</exception>
    public OutputLimit? Grant(OutputLimit? asked)
    {
        if (asked?.Bytes > Most)
            throw JobRules.Bad("spec.max_output_bytes", $"output limit {asked.Bytes} bytes: must be {OutputCap.Least} to {Most}, the most this server keeps of a stream");
        if (asked?.Policy is OutputPolicy.KeepTail && !CanGiveBack)
            throw new JobException(JobError.LimitUnavailable, "output policy keep-tail: the file system of the server's state directory cannot give back a part of a file (fallocate, FALLOC_FL_PUNCH_HOLE); keep-head and stop-job work there") { Step = "output" };
        if ((asked?.Bytes ?? Most) is { } bytes) return new(bytes, asked?.Policy ?? (CanGiveBack ? OutputPolicy.KeepTail : OutputPolicy.KeepHead));
        return asked?.Policy is { } policy
            ? throw JobRules.Bad("spec.output_policy", $"output policy {OutputPolicies.Word(policy)}: must come with an output limit, as this server has none of its own")
            : null;
    }
}
