using Runner.Jobs;

namespace Runner.Linux.Cgroups.V2;

/// <summary>CPU share by <c>cpu.max</c>: "QUOTA PERIOD" or "max PERIOD", and weight by <c>cpu.weight</c>.</summary>
sealed class CpuV2() : Controller("cpu")
{
    public override IEnumerable<LimitFile> ToFiles(ResourceLimits limits)
    {
        if (limits.CpuWeight is { } weight)
            yield return new LimitFile("cpu.weight", KernelText.Number(weight), "cpu weight", KernelText.Number(weight));
        if (limits.Cpus is not { } cpus)
            yield break;
        var (quota, period) = CpuQuota.From(cpus);
        yield return new LimitFile("cpu.max", FormattableString.Invariant($"{quota} {period}"), "cpus", FormattableString.Invariant($"{cpus}"));
    }

    public override ResourceLimits FromFiles(Func<string, string?> read, ResourceLimits limits) => limits with
    {
        Cpus = KernelText.Words(read("cpu.max")) is [var quotaText, var periodText]
            && KernelText.ReadNumber(quotaText) is { } quota
            && KernelText.ReadNumber(periodText) is { } period
                ? new CpuQuota(quota, period).Cpus
                : null,
        CpuWeight = KernelText.ReadNumber(read("cpu.weight")),
    };
}
