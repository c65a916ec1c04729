using Runner.Jobs;
using Runner.Linux.Cgroups;

namespace Runner.Linux.Probes;

/// <summary>Where cgroups are here, and which limits hold: tried on a cgroup made for it, which is removed again.</summary>
static class CgroupProbes
{
    private const string BootV2 = "boot with systemd.unified_cgroup_hierarchy=1";
    private const string BfqOrCost = "as root: modprobe bfq && echo bfq > /sys/block/DISK/queue/scheduler, or set io.cost.qos on cgroup v2";

    private static readonly LimitTry[] Tries =
    [
        new("cpu limit", "cpu", new(Cpus: 0.5), ["cpu.max", "cpu.cfs_quota_us"], CapabilityState.Missing),
        new("cpu weight", "cpu", new(CpuWeight: 200), ["cpu.weight", "cpu.shares"], CapabilityState.Missing),
        new("memory limit", "memory", new(MemoryBytes: 64 << 20), ["memory.max", "memory.limit_in_bytes"], CapabilityState.Missing),
        new("memory high", "memory", new(MemoryHighBytes: 64 << 20), ["memory.high"], CapabilityState.Limited),
        new("pids limit", "pids", new(Pids: 100), ["pids.max"], CapabilityState.Missing),
        new("io weight", "io", new(IoWeight: 200), ["io.weight", "io.bfq.weight"], CapabilityState.Limited, BfqOrCost),
        new("io weight", "blkio", new(IoWeight: 200), ["blkio.bfq.weight"], CapabilityState.Limited, BfqOrCost),
    ];

    public static Capability Layout(CgroupMounts mounts)
    {
        const string Name = "cgroups";
        var v1 = mounts.JobsInV1.ToArray();
        if (mounts.V2 is not { } v2)
            return new Capability(
                Name,
                CapabilityState.Missing,
                v1.Length == 0 ? "no cgroup hierarchy is mounted" : $"v1 only ({string.Join(", ", v1)}); jobs are born in a v2 cgroup",
                v1.Length == 0 ? "mount -t cgroup2 none /sys/fs/cgroup" : $"mkdir /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified, or {BootV2}");
        if (v2.IsReadOnly)
            return new Capability(Name, CapabilityState.Missing, $"v2 at {v2.Path} is mounted read-only", $"mount -o remount,rw {v2.Path}, or give the container a writable one");
        return v1.Length == 0
            ? new Capability(Name, CapabilityState.Works, $"pure v2 at {v2.Path}")
            : new Capability(Name, CapabilityState.Works, $"hybrid: v2 at {v2.Path}, v1 for {string.Join(", ", v1.Select(name => $"{name} at {mounts.V1[name].Path}"))}");
    }

    /// <summary>Where a server that is started like this process has its jobs, and why there.</summary>
    public static Capability Subtree(Delegation? delegated, CgroupMounts mounts) => new(
        "jobs' subtree",
        CapabilityState.Works,
        delegated is not null ? $"{mounts.V2?.Path}/{delegated.Path}/{Delegation.Jobs}: systemd has delegated the cgroup above it to this unit"
        : mounts.JobsInV1.Any() ? "below the root of each hierarchy, unless --cgroup names another place: v1 controllers cannot be delegated"
        : $"below {mounts.V2?.Path}, unless --cgroup names another place: no cgroup is delegated to this process (Delegate= in a unit)");

    public static IEnumerable<Capability> Limits(string place, CgroupMounts mounts, bool hasSwap, Delegation? delegated = null)
    {
        CgroupTree tree;
        try
        {
            delegated?.Leave(mounts);
            tree = CgroupTree.Open(place, mounts, delegated);
        }
        catch (CgroupsUnavailableException failure)
        {
            return [new Capability("limits", CapabilityState.Missing, failure.Problem, failure.Mend)];
        }
        try
        {
            var findings = new List<Capability>();
            foreach (var limit in Tries.Where(limit => limit.Controller is not ("io" or "blkio") || tree.Controllers.Any(part => part.Controller == limit.Controller)))
                findings.Add(Try(tree, mounts, delegated, limit));
            using var job = tree.Create("probe", ResourceLimits.None);
            findings.Add(Swap(tree, job.Name, hasSwap));
            findings.Add(Io(tree, mounts, delegated, job.Name));
            findings.AddRange(Core(tree, job.Name));
            return findings;
        }
        finally
        {
            tree.CleanLeftovers(_ => true);
            tree.Remove();
        }
    }

    private static Capability Try(CgroupTree tree, CgroupMounts mounts, Delegation? delegated, LimitTry limit)
    {
        try
        {
            using var job = tree.Create("limits", limit.Limits);
            try
            {
                var file = limit.Files.Select(file => Find(tree, job.Name, limit.Controller, file)).FirstOrDefault(path => path is not null);
                return limit.Mend is { } mend && !IsAnyDiskWeighted(mounts)
                    ? new Capability(limit.Name, CapabilityState.Limited, $"by {file}, but it counts on no disk now: none has the BFQ scheduler or io.cost", mend)
                    : new Capability(limit.Name, CapabilityState.Works, $"by {file}");
            }
            finally
            {
                job.Remove();
            }
        }
        catch (JobException failure)
        {
            var reason = failure.Message.Replace("; see runner doctor", "", StringComparison.Ordinal);
            return new Capability(limit.Name, limit.Without, $"a job that asks for it is refused: {reason}", limit.Mend ?? Mend(mounts, delegated, limit.Controller));
        }
    }

    // A weight is held without either, and makes no difference (io.weight, cgroup-v2.rst; bfq-iosched.rst).
    private static bool IsAnyDiskWeighted(CgroupMounts mounts) =>
        Directory.EnumerateDirectories("/sys/block").Select(disk => $"{disk}/queue/scheduler")
            .Any(file => File.Exists(file) && File.ReadAllText(file).Contains("[bfq]", StringComparison.Ordinal))
        || mounts.V2 is { } v2 && new CgroupDirectory(v2.Path).Read("io.cost.qos")?.Contains("enable=1", StringComparison.Ordinal) is true;

    private static Capability Swap(CgroupTree tree, string job, bool hasSwap)
    {
        const string Name = "swap limit";
        foreach (var file in (string[])["memory.swap.max", "memory.memsw.limit_in_bytes", "memory.swappiness"])
            if (Find(tree, job, "memory", file) is { } path)
                return new Capability(Name, CapabilityState.Works, $"a job with a memory limit does not swap, by {path}");
        return hasSwap
            ? new Capability(Name, CapabilityState.Limited, "a job with a memory limit can still fill the swap space", "boot with swapaccount=1, or swapoff -a")
            : new Capability(Name, CapabilityState.Works, "there is no swap space");
    }

    private static Capability Io(CgroupTree tree, CgroupMounts mounts, Delegation? delegated, string job)
    {
        const string Name = "io limit";
        if (Find(tree, job, "io", "io.max") is { } v2)
            return Find(tree, job, "memory", "memory.max") is not null
                ? new Capability(Name, CapabilityState.Works, $"by {v2}, buffered writes too")
                : new Capability(Name, CapabilityState.Limited, $"by {v2}, but not for buffered writes: that takes the memory controller in v2", Mend(mounts, delegated, "memory"));
        if (Find(tree, job, "blkio", "blkio.throttle.write_bps_device") is { } v1)
            return new Capability(Name, CapabilityState.Limited, $"by {v1}, for direct IO and reads only: v1 does not know whose buffered writes are written", BootV2);
        return new Capability(Name, CapabilityState.Missing, Reason(tree, "io") ?? "this kernel cannot throttle (CONFIG_BLK_DEV_THROTTLING)", Mend(mounts, delegated, "io"));
    }

    private static IEnumerable<Capability> Core(CgroupTree tree, string job)
    {
        foreach (var (file, use) in ((string, string)[])[("cgroup.kill", "a job is killed at once"), ("cgroup.freeze", "a job is held still while it is signalled")])
            yield return Find(tree, job, "core", file) is { } path
                ? new Capability(file, CapabilityState.Works, $"{use}, by {path}")
                : new Capability(file, CapabilityState.Limited, "this kernel has none; jobs are signalled process by process", "use Linux 5.14 or newer");
        yield return Find(tree, job, "core", "cpu.pressure") is { } pressure
            ? new Capability("pressure", CapabilityState.Works, $"what a job waits for is told by {pressure} and its neighbours")
            : new Capability("pressure", CapabilityState.Missing, "this kernel does not tell what a job waits for", "boot with psi=1");
    }

    /// <summary>The file of a job, and the tree it is in. Null: there is no such file.</summary>
    private static string? Find(CgroupTree tree, string job, string controller, string file) => tree.Controllers
        .Where(part => part.Controller == controller && File.Exists($"{part.Path}/{job}/{file}"))
        .Select(part => $"{file} below {Path.GetDirectoryName(part.Path)}")
        .FirstOrDefault();

    private static string? Reason(CgroupTree tree, string controller) =>
        tree.Missing.Where(missing => missing.Controller == controller).Select(missing => missing.Reason).FirstOrDefault();

    private static string Mend(CgroupMounts mounts, Delegation? delegated, string controller)
    {
        if (delegated is not null)
            return "set Delegate=yes in the unit, and let the units above it have the controller too";
        if (mounts.V2 is { } v2 && KernelText.Words(new CgroupDirectory(v2.Path).Read("cgroup.controllers")).Contains(controller))
            return $"as root: echo +{controller} > {v2.Path}/cgroup.subtree_control";
        if (mounts.V1.ContainsKey(controller == "io" ? "blkio" : controller))
            return BootV2;
        return $"boot with {(controller == "memory" ? "cgroup_enable=memory" : "cgroup_no_v1=all")}; in a container, let the host pass the controller on";
    }
}

/// <summary>A limit to try on a cgroup.</summary>
/// <param name="Files">Those that hold it, one in each kind of tree.</param>
/// <param name="Without">How much of a lack it is where it cannot be applied.</param>
/// <param name="Mend">What to do then. Null: what helps the controller.</param>
sealed record LimitTry(string Name, string Controller, ResourceLimits Limits, string[] Files, CapabilityState Without, string? Mend = null);
