using Runner.Jobs;
using Runner.Output;

namespace Runner.Wire;

/// <summary>How much of a job's output is kept, to and from the wire.</summary>
static class OutputLimits
{
    private static readonly (OutputPolicy Policy, V1.OutputPolicy Wire)[] s_policies =
    [
        (OutputPolicy.KeepTail, V1.OutputPolicy.KeepTail),
        (OutputPolicy.KeepHead, V1.OutputPolicy.KeepHead),
        (OutputPolicy.StopJob, V1.OutputPolicy.StopJob),
    ];

    public static V1.OutputPolicy ToWire(OutputPolicy? policy) => s_policies.FirstOrDefault(row => row.Policy == policy).Wire;

    /// <exception cref="JobException">No policy that this version knows.</exception>
    public static OutputPolicy? FromWire(V1.OutputPolicy wire)
    {
        if (wire is V1.OutputPolicy.Unspecified) return null;
        foreach (var row in s_policies)
            if (row.Wire == wire) return row.Policy;
        throw JobRules.Bad("spec.output_policy", $"output policy {(int)wire}: must be keep-tail (1), keep-head (2) or stop-job (3)");
    }

    /// <summary>Null: nothing is said of it.</summary>
    public static OutputLimit? Of(long? bytes, OutputPolicy? policy) => bytes is null && policy is null ? null : new(bytes, policy);
}
