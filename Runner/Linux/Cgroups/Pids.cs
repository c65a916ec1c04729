using Runner.Jobs;

namespace Runner.Linux.Cgroups;

/// <summary>Processes and threads by <c>pids.max</c>, which reads the same in both kinds of tree.</summary>
sealed class Pids() : Controller("pids")
{
    public override IEnumerable<LimitFile> ToFiles(ResourceLimits limits)
    {
        if (limits.Pids is not { } pids)
            yield break;
        var value = KernelText.Number(pids);
        yield return new LimitFile("pids.max", value, "pids", value);
    }

    public override ResourceLimits FromFiles(Func<string, string?> read, ResourceLimits limits) =>
        limits with { Pids = KernelText.ReadNumber(read("pids.max")) };

    public override ResourceUsage ReadUsage(Func<string, string?> read, ResourceUsage usage) =>
        usage with { Pids = KernelText.ReadNumber(read("pids.current")), PidsPeak = KernelText.ReadNumber(read("pids.peak")) }; // Linux 6.1
}
