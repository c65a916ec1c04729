using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Linux.Probes;

namespace Runner.Linux;

/// <summary>What this machine can do for jobs, tried out where that is cheap. It never fails: what goes wrong is a finding.</summary>
static class MachineReport
{
    private const string StateDirectory = "/var/lib/runner"; // as `serve` has it unless told otherwise

    /// <param name="tree">Where to make a cgroup for trying; it is removed again. Controllers turned on above it stay on.
    /// Null: where a server would have its jobs.</param>
    /// <param name="mounts">Null: those of this process.</param>
    /// <param name="state">A server's state directory; it need not be there.</param>
    /// <param name="proc">Where the proc file system is.</param>
    public static IReadOnlyList<Capability> Make(string? tree = null, CgroupMounts? mounts = null, string proc = "/proc", string state = "/var/lib/runner")
    {
        var delegable = tree is null;
        Delegation? delegated = null;
        tree ??= $"runner-doctor-{Environment.ProcessId}";
        var findings = new List<Capability>();
        Look("kernel", () => [KernelProbes.Kernel(File.ReadAllText($"{proc}/sys/kernel/osrelease"))]);
        Look("cgroups", () => [CgroupProbes.Layout(Mounts())]);
        Look("jobs' subtree", () => [CgroupProbes.Subtree(delegated = delegable ? Delegation.OfThisProcess(Mounts()) : null, Mounts())]);
        Look("limits", () => CgroupProbes.Limits(tree, Mounts(), HasSwap(proc), delegated));
        Look("spawn into cgroup", () => [KernelProbes.SpawnIntoCgroup()]);
        Look("pidfd", () => [KernelProbes.Pidfd()]);
        Look("privileges", () => PrivilegeProbes.Capabilities(File.ReadAllText($"{proc}/self/status")));
        Look("state disk", () => [DiskProbes.State(state)]);
        Look("open files", () => [PrivilegeProbes.OpenFiles(File.ReadAllText($"{proc}/self/limits"))]);
        Look("output keep-tail", () => [OutputProbes.KeepTail(StateDirectory)]);
        return findings;

        CgroupMounts Mounts() => mounts ??= CgroupMounts.OfThisProcess();

        void Look(string name, Func<IEnumerable<Capability>> probe)
        {
            try
            {
                findings.AddRange(probe());
            }
            catch (Exception failure)
            {
                findings.Add(new Capability(name, CapabilityState.Missing, $"could not be looked at: {failure.Message}"));
            }
        }
    }

    // The first line is a heading (proc_swaps(5)). Where nothing tells, swap is to be reckoned with.
    private static bool HasSwap(string proc) =>
        !File.Exists($"{proc}/swaps") || File.ReadLines($"{proc}/swaps").Skip(1).Any(line => line.Trim().Length > 0);
}
