using Runner.Jobs;
using Runner.Linux.Native;

namespace Runner.Linux.Cgroups;

/// <summary>Makes a job's directories and puts its limits on them: all of it, or nothing is left behind.</summary>
sealed class JobCgroupMaker(Hierarchy v2, IReadOnlyList<Hierarchy> v1, string name)
{
    private readonly List<CgroupDirectory> _made = [];

    public JobCgroup Make(ResourceLimits limits)
    {
        JobCgroup? cgroup = null;
        try
        {
            // In v1 every directory costs time at each start (mkdir, tasks, rmdir). So: memory, pids and blkio for each
            // job, for its peak memory, OOM kills and IO bytes cannot be had otherwise; cpu only to hold a limit.
            var ownV2 = MakeIn(v2);
            var ownV1 = v1.Where(part => part.Controllers.Any(controller => controller.IsNeeded(limits))).Select(MakeIn).ToArray();
            var written = new List<LimitFile>();
            foreach (var part in (IEnumerable<Hierarchy>)[ownV2, .. ownV1])
                foreach (var controller in part.Controllers)
                    written.AddRange(Write(part.Directory, controller.ToFiles(limits)));
            cgroup = Open(ownV2, ownV1);
            if (written.Count > 0)
                cgroup.Applied = ReadBack(cgroup, written, limits);
            return cgroup;
        }
        catch
        {
            cgroup?.Dispose();
            foreach (var directory in Enumerable.Reverse(_made))
                directory.RemoveEmpty();
            throw;
        }
    }

    private Hierarchy MakeIn(Hierarchy parent)
    {
        var directory = parent.Directory.Child(name);
        var errno = directory.Make();
        if (errno != Errno.None)
            throw Failure("mkdir", $"cannot make the job's cgroup {directory}: {LinuxException.Describe(errno)}", errno);
        _made.Add(directory);
        return parent with { Directory = directory };
    }

    private static JobCgroup Open(Hierarchy v2, IReadOnlyList<Hierarchy> v1)
    {
        try
        {
            return new JobCgroup(v2, v1);
        }
        catch (LinuxException failure)
        {
            throw Failure(failure.Call, $"cannot open the job's cgroup: {failure.Message}", failure.Errno);
        }
    }

    private static JobException Failure(string call, string message, Errno errno) => new(
        // EAGAIN: cgroup.max.descendants or .depth of an ancestor (cgroup-v2.rst).
        errno is Errno.EAGAIN or Errno.ENOSPC or Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE ? JobError.Exhausted : JobError.OsError,
        message)
    {
        Step = $"cgroup {call}",
        Errno = (int)errno,
    };

    private static IEnumerable<LimitFile> Write(CgroupDirectory directory, IEnumerable<LimitFile> files)
    {
        foreach (var file in files)
        {
            var errno = directory.Write(file.File, file.Text);
            if (errno != Errno.None && !(errno == Errno.ENOENT && file.IfPresent))
                throw Unavailable(file, $"{file.File} does not take {file.Text}: {LinuxException.Describe(errno)}", errno);
            yield return file;
        }
    }

    private static ResourceLimits ReadBack(JobCgroup cgroup, IReadOnlyList<LimitFile> written, ResourceLimits asked)
    {
        var applied = ReadLimits(cgroup);
        foreach (var file in written)
            if (LooserThanAsked(file.Limit, asked, applied))
                throw Unavailable(file, $"{file.File} took it and reads back {cgroup.Parts.Select(part => part.Directory.Read(file.File)).FirstOrDefault(text => text is not null)?.Trim()}", Errno.None);
        return applied;
    }

    public static ResourceLimits ReadLimits(JobCgroup cgroup)
    {
        var limits = ResourceLimits.None;
        foreach (var part in cgroup.Parts)
            foreach (var controller in part.Controllers)
                limits = controller.FromFiles(part.Directory.Read, limits);
        return limits;
    }

    // The kernel rounds memory down to whole pages and we round CPU time to a microsecond in each period.
    private static bool LooserThanAsked(string limit, ResourceLimits asked, ResourceLimits applied) => limit switch
    {
        "cpus" => !(applied.Cpus <= asked.Cpus * 1.001),
        "memory" => !(applied.MemoryBytes <= asked.MemoryBytes),
        "pids" => applied.Pids != asked.Pids,
        _ => false,
    };

    public static JobException Unavailable(LimitFile file, string reason, Errno errno) =>
        new(JobError.LimitUnavailable, $"cannot limit {file.Limit} to {file.Value}: {reason}; see runner doctor")
        {
            Step = $"cgroup {file.File}",
            Errno = errno == Errno.None ? null : (int)errno,
        };
}
