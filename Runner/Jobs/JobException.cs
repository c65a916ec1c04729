namespace Runner.Jobs;

/// <summary>A request that could not be served, in one sentence and in parts a program can read.</summary>
/// <param name="error">What the caller can do next.</param>
/// <param name="message">Object, value and what is valid; one sentence, no full stop.</param>
sealed class JobException(JobError error, string message, Exception? inner = null) : Exception(message, inner)
{
    public JobError Error { get; } = error;

    /// <summary>The field at fault, as the API names it, for <see cref="JobError.BadField"/>.</summary>
    public string? Field { get; init; }

    /// <summary>What was being done when it failed: "clone3", "execve", "chdir", "cgroup memory.max".</summary>
    public string? Step { get; init; }

    /// <summary>The kernel's error number, where there is one.</summary>
    public int? Errno { get; init; }
}
