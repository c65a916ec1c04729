using Runner.Jobs;

namespace Runner.Linux.Cgroups.V1;

/// <summary>CPU share by <c>cpu.cfs_quota_us</c> in each <c>cpu.cfs_period_us</c>; a quota of -1 is none.</summary>
sealed class CpuV1() : Controller("cpu")
{
    // Its accounts tell nothing of a job without a CPU limit: CPU time comes from the v2 cgroup.
    public override bool IsNeeded(ResourceLimits limits) => limits.Cpus is not null;

    public override IEnumerable<LimitFile> ToFiles(ResourceLimits limits)
    {
        if (limits.Cpus is not { } cpus)
            yield break;
        var (quota, period) = CpuQuota.From(cpus);
        var value = FormattableString.Invariant($"{cpus}");
        // The period first: together with a quota that is still -1 any is valid.
        yield return new LimitFile("cpu.cfs_period_us", KernelText.Number(period), "cpus", value);
        yield return new LimitFile("cpu.cfs_quota_us", KernelText.Number(quota), "cpus", value);
    }

    public override ResourceLimits FromFiles(Func<string, string?> read, ResourceLimits limits) =>
        KernelText.ReadNumber(read("cpu.cfs_quota_us")) is { } quota
        && KernelText.ReadNumber(read("cpu.cfs_period_us")) is { } period
            ? limits with { Cpus = new CpuQuota(quota, period).Cpus }
            : limits;

    public override ResourceUsage ReadUsage(Func<string, string?> read, ResourceUsage usage) =>
        usage with { Throttled = KernelText.ReadNanoseconds(read("cpu.stat"), "throttled_time") };
}
