using Runner.Linux.Cgroups.V1;
using Runner.Linux.Cgroups.V2;
using Runner.Linux.Native;

namespace Runner.Linux.Cgroups;

/// <summary>Looks for each controller by name, in v2 first, then in v1, and makes our subtree wherever one is found.</summary>
sealed class CgroupTreeOpener(string name, CgroupMounts mounts, Delegation? within)
{
    // What a job is held and accounted by, with its own code for each kind of tree.
    private static readonly (Controller V2, Controller V1)[] Wanted =
    [
        (new CpuV2(), new CpuV1()),
        (new MemoryV2(), new MemoryV1()),
        (new Pids(), new Pids()),
        (new IoV2(), new BlkioV1()),
    ];

    private readonly List<CgroupDirectory> _made = [];

    public static bool IsComponent(string name) =>
        name is not ("" or "." or "..") && name.Length <= 255 && !name.AsSpan().ContainsAny('/', '\0', '\n');

    public CgroupTree Open()
    {
        try
        {
            return FindAndMake();
        }
        catch
        {
            foreach (var directory in Enumerable.Reverse(_made))
                directory.RemoveEmpty();
            throw;
        }
    }

    private CgroupTree FindAndMake()
    {
        var components = name.Split('/');
        if (!components.All(IsComponent))
            throw new CgroupsUnavailableException(
                $"'{name}' cannot be the place for jobs' cgroups",
                "it must be a path below the mount, such as runner or system.slice/runner.service/jobs");
        if (mounts.V2 is not { } mount)
            throw new CgroupsUnavailableException(
                "no cgroup v2 hierarchy is mounted here, and jobs are born in one",
                "mount -t cgroup2 none /sys/fs/cgroup/unified, or boot with systemd.unified_cgroup_hierarchy=1");
        if (mount.IsReadOnly)
            throw new CgroupsUnavailableException(
                $"the cgroup v2 hierarchy at {mount.Path} is mounted read-only",
                $"mount -o remount,rw {mount.Path}, or give the container a writable one");

        var off = new Dictionary<string, string>();
        var directory = new CgroupDirectory(within is null ? mount.Path : $"{mount.Path}/{within.Path}");
        Enable(directory, off);
        foreach (var component in components)
        {
            directory = directory.Child(component);
            if (Make(directory) is var errno and not Errno.None)
                throw new CgroupsUnavailableException(Problem(directory, errno), errno switch
                {
                    Errno.EACCES or Errno.EPERM => "run as root, or in a cgroup delegated to this user",
                    Errno.EROFS => $"mount -o remount,rw {mount.Path}, or give the container a writable one",
                    Errno.EAGAIN => "raise cgroup.max.depth and cgroup.max.descendants above it",
                    _ => "see runner doctor",
                });
            Enable(directory, off);
        }

        var on = KernelText.Words(directory.Read("cgroup.subtree_control"));
        var v2 = new List<Controller> { new CoreV2() };
        var v1 = new Dictionary<string, List<Controller>>();
        var missing = new List<MissingController>();
        foreach (var wanted in Wanted)
        {
            if (on.Contains(wanted.V2.Name))
                v2.Add(wanted.V2);
            else if (off.TryGetValue(wanted.V2.Name, out var reason))
                missing.Add(new MissingController(wanted.V2, reason));
            else if (FindV1(wanted.V1, components, out reason) is { } place)
                (v1.TryGetValue(place, out var others) ? others : v1[place] = []).Add(wanted.V1);
            else
                missing.Add(new MissingController(wanted.V2, reason));
        }
        return new CgroupTree(
            new Hierarchy(directory, v2), [.. v1.Select(part => new Hierarchy(new CgroupDirectory(part.Key), part.Value))], missing, _made);
    }

    /// <summary>Turns on, for this cgroup's children, each wanted controller it has; notes why one stays off.</summary>
    private static void Enable(CgroupDirectory cgroup, Dictionary<string, string> off)
    {
        var has = KernelText.Words(cgroup.Read("cgroup.controllers"));
        var on = KernelText.Words(cgroup.Read("cgroup.subtree_control"));
        foreach (var (controller, _) in Wanted)
        {
            if (!has.Contains(controller.Name) || on.Contains(controller.Name))
                continue;
            // While it is on in ours, nobody above us (systemd) can turn it off again: EBUSY.
            // One by one: of a text with two controllers, one of which fails, the kernel takes none (cgroup-v2.rst).
            var errno = cgroup.Write("cgroup.subtree_control", $"+{controller.Name}");
            if (errno != Errno.None)
                off[controller.Name] = $"+{controller.Name} in {cgroup}/cgroup.subtree_control: " + errno switch
                {
                    Errno.EBUSY => "processes are in that cgroup itself, move them into one below it",
                    _ => LinuxException.Describe(errno),
                };
        }
    }

    private string? FindV1(Controller controller, IEnumerable<string> components, out string reason)
    {
        if (!mounts.V1.TryGetValue(controller.Name, out var mount))
        {
            reason = within is null
                ? $"no mounted cgroup hierarchy has the {controller.Name} controller"
                : $"the cgroup {within.Path}, which jobs are in, was not given the {controller.Name} controller (Delegate= in its unit)";
            return null;
        }
        var directory = new CgroupDirectory(mount.Path);
        foreach (var component in components)
        {
            directory = directory.Child(component);
            if (Make(directory) is var errno and not Errno.None)
            {
                reason = Problem(directory, errno);
                return null;
            }
        }
        foreach (var (file, text) in controller.ToKeepAccounts(Disks.All())) directory.Write(file, text);
        reason = "";
        return directory.Path;
    }

    private Errno Make(CgroupDirectory directory)
    {
        var errno = directory.Make();
        if (errno == Errno.None)
            _made.Add(directory);
        return errno == Errno.EEXIST ? Errno.None : errno;
    }

    private static string Problem(CgroupDirectory directory, Errno errno) =>
        $"cannot make the cgroup {directory}: {LinuxException.Describe(errno)}";
}
