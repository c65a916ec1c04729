using Runner.Jobs;
using Runner.Linux.Native;

namespace Runner.Linux.Cgroups;

/// <summary>The subtree all jobs' cgroups live in, in v2 and in each v1 hierarchy that has a controller v2 lacks.
/// It touches nothing outside itself, but for turning controllers on in the v2 cgroups above it, up to one that was delegated.</summary>
sealed class CgroupTree
{
    private static readonly TimeSpan CleanLimit = TimeSpan.FromSeconds(15);

    private readonly Hierarchy _v2;
    private readonly IReadOnlyList<Hierarchy> _v1;
    private readonly IReadOnlyList<MissingController> _missing;
    private readonly IReadOnlyList<CgroupDirectory> _made;

    internal CgroupTree(
        Hierarchy v2, IReadOnlyList<Hierarchy> v1, IReadOnlyList<MissingController> missing, IReadOnlyList<CgroupDirectory> made) =>
        (_v2, _v1, _missing, _made) = (v2, v1, missing, made);

    /// <summary>Finds the hierarchies, makes the subtree where it is not there yet, and turns the controllers on for it.</summary>
    /// <param name="name">Where it is under each mount, such as "runner" or "system.slice/runner.service/jobs".</param>
    /// <param name="mounts">Null: those of this process.</param>
    /// <param name="within">The cgroup it is in, which was delegated to this process: nothing above it is touched. Null: the whole of each mount.</param>
    /// <exception cref="CgroupsUnavailableException">Jobs cannot have cgroups here.</exception>
    public static CgroupTree Open(string name, CgroupMounts? mounts = null, Delegation? within = null) =>
        new CgroupTreeOpener(name, mounts ?? CgroupMounts.OfThisProcess(), within).Open();

    /// <summary>
    /// Makes the subtree this server's alone: whoever has it cleans up in it, and would kill the jobs of another server there.
    /// </summary>
    /// <returns>Holds the claim until it is disposed or the process ends, however it ends.</returns>
    /// <exception cref="CgroupsUnavailableException">Another server has it.</exception>
    public Fd Claim()
    {
        var directory = Libc.Open(_v2.Directory.Path, OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (directory.IsInvalid) throw LinuxException.Last("open", _v2.Directory.Path);
        if (Libc.Lock(directory, Libc.LockExclusive | Libc.LockNonBlocking) == 0) return directory;
        directory.Dispose();
        throw new CgroupsUnavailableException($"another server has its jobs in {_v2.Directory.Path}", "stop that one, or give this one a place of its own with --cgroup");
    }

    /// <summary>
    /// Leaves a tenth of the processes this machine (or the cgroup above) can have to everybody but the jobs: a job that
    /// forks without end must not keep the server from making a thread.
    /// </summary>
    /// <param name="proc">Where the proc file system is.</param>
    public void KeepProcessesForOthers(string proc = "/proc")
    {
        if (Hierarchies.FirstOrDefault(part => part.Controllers.Any(controller => controller is Pids)) is not { } part) return;
        var above = System.IO.Path.GetDirectoryName(part.Directory.Path)!;
        var most = new[] { $"{above}/pids.max", $"{proc}/sys/kernel/threads-max", $"{proc}/sys/kernel/pid_max" }
            .Select(file => File.Exists(file) ? KernelText.ReadNumber(File.ReadAllText(file)) : null)
            .Min(); // "max" and what is not there are no numbers
        if (most is { } all) part.Directory.Write("pids.max", KernelText.Number(all - all / 10));
    }

    /// <summary>The v2 directory that jobs' cgroups are in.</summary>
    public string Path => _v2.Directory.Path;

    /// <summary>"v2", or "hybrid" where v1 has controllers that v2 lacks.</summary>
    public string Layout => _v1.Count > 0 ? "hybrid" : "v2";

    /// <summary>The controllers a job is held by, and the file system path they are at.</summary>
    public IEnumerable<(string Controller, string Path)> Controllers =>
        Hierarchies.SelectMany(part => part.Controllers.Select(controller => (controller.Name, part.Directory.Path)));

    /// <summary>The controllers no job can be held by, each with the reason.</summary>
    public IEnumerable<(string Controller, string Reason)> Missing =>
        _missing.Select(missing => (missing.Controller.Name, missing.Reason));

    /// <summary>Makes a job's cgroup, with its limits on.</summary>
    /// <param name="name">The job's id.</param>
    /// <exception cref="JobException">A limit cannot be applied, or there is such a cgroup already. Nothing is left behind.</exception>
    public JobCgroup Create(string name, ResourceLimits limits)
    {
        Check(name);
        if (limits.Io is { } io)
            limits = limits with { Io = Disks.Found(io) };
        foreach (var missing in _missing)
            foreach (var file in missing.Controller.ToFiles(limits))
                throw JobCgroupMaker.Unavailable(file, missing.Reason, Errno.None);
        return new JobCgroupMaker(_v2, _v1, name).Make(limits);
    }

    /// <summary>The cgroup of a job that a former server started. Null: there is none.</summary>
    public JobCgroup? Find(string name)
    {
        Check(name);
        var v2 = Own(_v2, name);
        if (!v2.Directory.Exists)
            return null;
        var cgroup = new JobCgroup(v2, [.. _v1.Select(part => Own(part, name)).Where(part => part.Directory.Exists)]);
        cgroup.Applied = JobCgroupMaker.ReadLimits(cgroup);
        return cgroup;
    }

    /// <summary>The names of all jobs' cgroups there are.</summary>
    public IReadOnlyList<string> Names() =>
        [.. Hierarchies.SelectMany(part => part.Directory.Children()).Select(child => child.Name).Distinct()];

    /// <summary>Kills and removes what a former server left behind, nested cgroups included.</summary>
    /// <returns>The names of those that are gone now; <see cref="Names"/> tells which would not go.</returns>
    /// <param name="isOurs">Tells by its name whether a cgroup is a job's; others are left alone.</param>
    public IReadOnlyList<string> CleanLeftovers(Func<string, bool> isOurs)
    {
        // All are killed first and waited for together.
        var leftovers = Names()
            .Where(isOurs)
            .Select(name => (Name: name, Parts: Hierarchies.Select(part => part.Directory.Child(name)).Where(part => part.Exists).ToArray()))
            // Nobody should be in here with us, but never kill ourselves.
            .Where(leftover => !leftover.Parts.Any(part => part.Processes().Contains(Environment.ProcessId)))
            .ToArray();
        foreach (var part in leftovers.SelectMany(leftover => leftover.Parts))
            if (part.Write("cgroup.kill", "1") != Errno.None)
                CgroupSignal.Send(part, Signals.Kill);
        var wait = new CgroupWait(CleanLimit);
        return
        [
            .. leftovers
                // Each part is tried, whatever became of the others.
                .Where(leftover => leftover.Parts.Select(wait.Remove).ToArray().All(errno => errno == Errno.None))
                .Select(leftover => leftover.Name),
        ];
    }

    /// <summary>Removes the subtree, and of the directories above it those that <see cref="Open"/> made. No job may be left.</summary>
    public void Remove()
    {
        foreach (var part in Hierarchies)
            if (part.Directory.RemoveEmpty() is var errno and not Errno.None)
                throw new LinuxException("rmdir", errno, part.Directory.Path);
        foreach (var directory in _made.Reverse())
            directory.RemoveEmpty(); // others may have moved in
    }

    private IEnumerable<Hierarchy> Hierarchies => [_v2, .. _v1];

    private static Hierarchy Own(Hierarchy tree, string name) => tree with { Directory = tree.Directory.Child(name) };

    private static void Check(string name)
    {
        if (!CgroupTreeOpener.IsComponent(name))
            throw new ArgumentException($"'{name}' is not the name of one directory", nameof(name));
    }
}

/// <summary>A controller no job can be held by, and the reason.</summary>
sealed record MissingController(Controller Controller, string Reason);
