using Runner.Jobs;

namespace Runner.Linux.Cgroups.V2;

/// <summary>CPU share by <c>cpu.max</c>: "QUOTA PERIOD" or "max PERIOD".</summary>
sealed class CpuV2() : Controller("cpu")
{
    public override IEnumerable<LimitFile> ToFiles(ResourceLimits limits)
    {
        if (limits.Cpus is not { } cpus)
            yield break;
        var (quota, period) = CpuQuota.From(cpus);
        yield return new LimitFile("cpu.max", FormattableString.Invariant($"{quota} {period}"), "cpus", FormattableString.Invariant($"{cpus}"));
    }

    public override ResourceLimits FromFiles(Func<string, string?> read, ResourceLimits limits) =>
        KernelText.Words(read("cpu.max")) is [var quotaText, var periodText]
        && KernelText.ReadNumber(quotaText) is { } quota
        && KernelText.ReadNumber(periodText) is { } period
            ? limits with { Cpus = new CpuQuota(quota, period).Cpus }
            : limits;
}
