using Runner.Jobs;

namespace Runner.Linux.Cgroups.V1;

/// <summary>CPU share by <c>cpu.cfs_quota_us</c> in each <c>cpu.cfs_period_us</c>, a quota of -1 being none, and weight by
/// <c>cpu.shares</c>, of which a cgroup has 1024.</summary>
sealed class CpuV1() : Controller("cpu")
{
    // 2 to 2^18 is what the kernel keeps of any number (MIN_SHARES and MAX_SHARES, kernel/sched/sched.h).
    private const long LeastShares = 2;
    private const long MostShares = 1 << 18;
    private const double SharesOfOne = 1024.0 / ResourceLimits.UsualWeight;

    // Its accounts tell nothing of a job without a CPU limit: CPU time comes from the v2 cgroup.
    public override bool IsNeeded(ResourceLimits limits) => limits.Cpus is not null || limits.CpuWeight is not null;

    public override IEnumerable<LimitFile> ToFiles(ResourceLimits limits)
    {
        if (limits.CpuWeight is { } weight)
        {
            var shares = Math.Clamp((long)Math.Round(weight * SharesOfOne), LeastShares, MostShares);
            yield return new LimitFile("cpu.shares", KernelText.Number(shares), "cpu weight", KernelText.Number(weight));
        }
        if (limits.Cpus is not { } cpus)
            yield break;
        var (quota, period) = CpuQuota.From(cpus);
        var value = FormattableString.Invariant($"{cpus}");
        // The period first: together with a quota that is still -1 any is valid.
        yield return new LimitFile("cpu.cfs_period_us", KernelText.Number(period), "cpus", value);
        yield return new LimitFile("cpu.cfs_quota_us", KernelText.Number(quota), "cpus", value);
    }

    public override ResourceLimits FromFiles(Func<string, string?> read, ResourceLimits limits) => limits with
    {
        Cpus = KernelText.ReadNumber(read("cpu.cfs_quota_us")) is { } quota && KernelText.ReadNumber(read("cpu.cfs_period_us")) is { } period
            ? new CpuQuota(quota, period).Cpus
            : null,
        CpuWeight = KernelText.ReadNumber(read("cpu.shares")) is { } shares ? (long)Math.Round(shares / SharesOfOne) : null,
    };

    public override ResourceUsage ReadUsage(Func<string, string?> read, ResourceUsage usage) =>
        usage with { Throttled = KernelText.ReadNanoseconds(read("cpu.stat"), "throttled_time") };
}
