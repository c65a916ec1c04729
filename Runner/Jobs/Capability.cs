namespace Runner.Jobs;

/// <summary>One thing jobs rely on, and whether this machine has it.</summary>
/// <param name="Name">What it is: "memory limit", "kernel".</param>
/// <param name="Detail">What was found, in one line.</param>
/// <param name="Mend">What to do about it. Null: nothing to do, or nothing that can be done.</param>
sealed record Capability(string Name, CapabilityState State, string Detail, string? Mend = null);

/// <summary>How much of a capability there is.</summary>
enum CapabilityState
{
    Works,

    /// <summary>Works in part; the detail says what does not.</summary>
    Limited,

    Missing,
}
