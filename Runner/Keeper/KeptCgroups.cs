using Runner.Jobs;
using Runner.Linux;
using Runner.Linux.Cgroups;
using Runner.Linux.Native;

namespace Runner.Keeper;

/// <summary>
/// The cgroups of jobs as their parent finds them: those its children are in, orphans of jobs included, which have a job's id for
/// their name. Nothing has to be handed on for that, and a process that went elsewhere takes nobody there with it.
/// </summary>
sealed class KeptCgroups
{
    private readonly Dictionary<JobId, CgroupDirectory> _found = [];
    private readonly string _mount;

    private KeptCgroups(string mount) => _mount = mount;

    /// <summary>Null: they cannot be found, as without a descriptor.</summary>
    public static KeptCgroups? OfThisProcess()
    {
        try
        {
            return CgroupMounts.OfThisProcess().V2 is { } mount ? new(mount.Path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException)
        {
            return null;
        }
    }

    /// <summary>Looks again, and remembers what it saw before.</summary>
    public void Look(IReadOnlyCollection<JobId> jobs)
    {
        foreach (var child in Children())
            if (Of(child, jobs) is var (id, directory)) _found[id] = directory;
    }

    /// <summary>Gives a signal to every process of a job. False: its cgroup is not known, or it could not be done.</summary>
    public bool Signal(JobId job, int signal)
    {
        if (!_found.TryGetValue(job, out var directory)) return false;
        try
        {
            if (signal == Signals.Kill && directory.Write("cgroup.kill", "1") == Errno.None) return true;
            directory.Write("cgroup.freeze", "0"); // of a server that died while it held it still
            CgroupSignal.Send(directory, signal, wake: signal != Signals.Kill);
            return true;
        }
        catch (LinuxException)
        {
            return false;
        }
    }

    private (JobId, CgroupDirectory)? Of(string process, IReadOnlyCollection<JobId> jobs)
    {
        try
        {
            var path = File.ReadLines($"/proc/{process}/cgroup").FirstOrDefault(line => line.StartsWith("0::/", StringComparison.Ordinal))?["0::/".Length..];
            for (; !string.IsNullOrEmpty(path); path = Path.GetDirectoryName(path))
                if (JobId.TryParse(Path.GetFileName(path), out var id) && jobs.Contains(id) && new CgroupDirectory($"{_mount}/{path}") is { Exists: true } directory) return (id, directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has gone.
        }
        return null;
    }

    /// <summary>By what each thread is told to be the parent of (proc_tid_children(5), CONFIG_PROC_CHILDREN).</summary>
    private static IEnumerable<string> Children()
    {
        try
        {
            return Directory.GetDirectories("/proc/self/task").SelectMany(ChildrenOf);
        }
        catch (IOException)
        {
            return []; // there is no descriptor for it
        }
    }

    private static string[] ChildrenOf(string thread)
    {
        try
        {
            return File.ReadAllText($"{thread}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (IOException)
        {
            return []; // it has just ended, or the kernel does not tell
        }
    }
}
