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
            var applied = ResourceLimits.None;
            foreach (var part in (IEnumerable<Hierarchy>)[ownV2, .. ownV1])
                foreach (var controller in part.Controllers)
                    applied = Apply(part.Directory, controller, limits, applied);
            cgroup = Open(ownV2, ownV1);
            cgroup.Applied = applied;
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
        errno.IsExhaustion() ? JobError.Exhausted : JobError.OsError,
        message + errno.Remedy())
    {
        Step = $"cgroup {call}",
        Errno = (int)errno,
    };

    /// <summary>Adds what the kernel holds now, by its own words, to what the other controllers hold.</summary>
    private static ResourceLimits Apply(CgroupDirectory directory, Controller controller, ResourceLimits limits, ResourceLimits applied)
    {
        var files = controller.ToFiles(limits).ToArray();
        if (files.Length == 0)
            return applied;
        var texts = new Dictionary<string, string?>();
        foreach (var wanted in files)
        {
            var file = wanted;
            if (file.Never is { } reason)
                throw Unavailable(file, reason, Errno.None);
            var errno = directory.Write(file.File, file.Text, out var now);
            if (errno == Errno.ENOENT && file.Or is { } other)
            {
                file = file with { File = other };
                errno = directory.Write(other, file.Text, out now);
            }
            if (errno.IsExhaustion())
                throw Failure("write", $"cannot limit {file.Limit} to {file.Value}: {LinuxException.Describe(errno)}", errno);
            if (errno != Errno.None && !(errno == Errno.ENOENT && file.IfPresent))
                throw Unavailable(file, $"{file.File} does not take {file.Text}: {LinuxException.Describe(errno)}", errno);
            texts[file.File] = now;
        }
        applied = controller.FromFiles(texts.GetValueOrDefault, applied);
        foreach (var file in files)
            if (LooserThanAsked(file.Limit, limits, applied))
                throw Unavailable(file, $"{file.File} took {file.Text} and reads back {texts.GetValueOrDefault(file.File)?.Trim()}", Errno.None);
        return applied;
    }

    public static ResourceLimits ReadLimits(JobCgroup cgroup)
    {
        var limits = ResourceLimits.None;
        foreach (var part in cgroup.Parts)
            foreach (var controller in part.Controllers)
                limits = controller.FromFiles(part.Directory.Read, limits);
        // Every cgroup has the usual weights unless others were asked for.
        return limits with
        {
            CpuWeight = limits.CpuWeight == ResourceLimits.UsualWeight ? null : limits.CpuWeight,
            IoWeight = limits.IoWeight == ResourceLimits.UsualWeight ? null : limits.IoWeight,
        };
    }

    // The kernel rounds memory down to whole pages and we round CPU time to a microsecond in each period.
    private static bool LooserThanAsked(string limit, ResourceLimits asked, ResourceLimits applied) => limit switch
    {
        "cpus" => !(applied.Cpus <= asked.Cpus * 1.001),
        "memory" => !(applied.MemoryBytes <= asked.MemoryBytes),
        "swap" => applied.SwapBytes > asked.SwapBytes,
        "high memory" => !(applied.MemoryHighBytes <= asked.MemoryHighBytes),
        "io" => applied.Io != asked.Io,
        "io weight" => applied.IoWeight != asked.IoWeight,
        "pids" => applied.Pids != asked.Pids,
        "cpu weight" => applied.CpuWeight != asked.CpuWeight,
        _ => false,
    };

    public static JobException Unavailable(LimitFile file, string reason, Errno errno) =>
        new(JobError.LimitUnavailable, $"cannot limit {file.Limit} to {file.Value}: {reason}; see runner doctor")
        {
            Step = $"cgroup {file.File}",
            Errno = errno == Errno.None ? null : (int)errno,
        };
}
