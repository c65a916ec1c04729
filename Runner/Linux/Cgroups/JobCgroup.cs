using Runner.Jobs;
using Runner.Linux.Cgroups.V1;
using Runner.Linux.Native;

namespace Runner.Linux.Cgroups;

/// <summary>The cgroup of one job, in v2 and wherever v1 has the controllers: all its processes are in it, nothing else is.</summary>
sealed class JobCgroup : IDisposable
{
    private static readonly TimeSpan RemoveLimit = TimeSpan.FromSeconds(2);

    private readonly Hierarchy _v2;
    private readonly IReadOnlyList<Hierarchy> _v1;

    /// <summary>Takes the job's own directory in each hierarchy; they are there already.</summary>
    internal JobCgroup(Hierarchy v2, IReadOnlyList<Hierarchy> v1)
    {
        _v2 = v2;
        _v1 = v1;
        var open = new List<Fd>();
        try
        {
            Directory = Kept(Libc.Open(v2.Directory.Path, Libc.OpenPath | OpenFlags.CloseOnExec));
            if (Directory.IsInvalid)
                throw LinuxException.Last("open", v2.Directory.Path);
            Events = Kept(Opened(v2.Directory, "cgroup.events", OpenFlags.ReadOnly));
            TaskFiles = [.. v1.Select(part => Kept(Opened(part.Directory, "tasks", OpenFlags.WriteOnly)))];
        }
        catch
        {
            // Where one is wanting, those before it are wanted too.
            open.ForEach(fd => fd.Dispose());
            throw;
        }

        Fd Kept(Fd fd)
        {
            open.Add(fd);
            return fd;
        }
    }

    public string Name => _v2.Directory.Name;

    /// <summary>The v2 directory, for CLONE_INTO_CGROUP.</summary>
    public Fd Directory { get; }

    /// <summary>One for each v1 directory: the child writes "0" into each before exec, and is in.</summary>
    public IReadOnlyList<Fd> TaskFiles { get; }

    /// <summary>cgroup.events: urgent (EPOLLPRI) after a change. For one watcher, which reads it by <see cref="ReadEvents"/>.</summary>
    public Fd Events { get; }

    /// <summary>The limits the kernel says it holds.</summary>
    public ResourceLimits Applied { get; internal set; } = ResourceLimits.None;

    /// <summary>Whether a process lives in it or in a cgroup nested in it.</summary>
    public bool IsPopulated() => _v2.Directory.IsPopulated();

    /// <summary>The same for the watcher of <see cref="Events"/>: makes the descriptor quiet until the next change.</summary>
    public bool ReadEvents() => KernelText.ReadKey(CgroupDirectory.Read(Events), "populated") == 1;

    /// <summary>Waits until no process lives in it. False: the limit came first.</summary>
    public bool WaitUntilEmpty(TimeSpan limit) => new CgroupWait(limit).UntilEvent(_v2.Directory, "populated", 0);

    /// <summary>Its processes and those of nested cgroups.</summary>
    public IReadOnlyList<int> Processes() => _v2.Directory.Processes();

    /// <summary>Gives a signal once to each process it has now, whichever session it is in; to none that starts afterwards.</summary>
    /// <param name="signal">Its number.</param>
    /// <param name="wake">Whether processes that are stopped go on, to act on it.</param>
    public void Signal(int signal, bool wake = false)
    {
        if (signal == Signals.Kill)
            Kill();
        else
            CgroupSignal.Send(_v2.Directory, signal, wake);
    }

    /// <summary>Lets it go on if a server was killed while it held it still to signal it.</summary>
    public void Thaw() => _v2.Directory.Write("cgroup.freeze", "0");

    /// <summary>Kills as memory.oom.group does: all but those that may not be killed for want of memory.</summary>
    public void KillUnspared() => CgroupSignal.Send(_v2.Directory, Signals.Kill, isSpared: OomSpared.Is);

    /// <summary>
    /// Whether the kernel killed it as a whole at its memory limit, not only a process of it or a cgroup nested in it
    /// (memory.events.local, oom_group_kill, Linux 5.17). Null: it does not tell.
    /// </summary>
    public bool? WasKilledForMemory() => KernelText.ReadKey(_v2.Directory.Read("memory.events.local"), "oom_group_kill") is { } kills ? kills > 0 : null;

    /// <summary>Kills every process in it at once, those being forked included (cgroup.kill, Linux 5.14). Returns before they are gone.</summary>
    public void Kill()
    {
        var errno = _v2.Directory.Write("cgroup.kill", "1");
        if (errno == Errno.ENOENT && _v2.Directory.Exists)
            CgroupSignal.Send(_v2.Directory, Signals.Kill);
        else if (errno is not (Errno.None or Errno.ENOENT or Errno.ENODEV))
            throw new LinuxException("write", errno, $"{_v2.Directory}/cgroup.kill");
    }

    /// <summary>Readable once a process of it was killed at its memory limit. Null: it has none, or the kernel takes the whole job then.</summary>
    public Fd? OpenOomNotice() =>
        Applied.MemoryBytes is not null && _v1.FirstOrDefault(part => part.Controllers.Any(controller => controller is MemoryV1)) is { } memory
            ? OomNotice.Open(memory.Directory)
            : null;

    /// <summary>What it has used so far; also after its last process ended, until it is removed.</summary>
    /// <param name="isEmpty">No process lives in it any more: what it has now need not be read.</param>
    public ResourceUsage ReadUsage(bool isEmpty = false)
    {
        var usage = ResourceUsage.None;
        foreach (var part in Parts)
            foreach (var controller in part.Controllers)
                usage = controller.ReadUsage(file => isEmpty && s_ofNow.Contains(file) ? null : part.Directory.Read(file), usage);
        return isEmpty ? usage with { Memory = 0, Pids = 0 } : usage;
    }

    // Every file of accounts costs each job's end some 7 µs.
    private static readonly HashSet<string> s_ofNow = ["memory.current", "memory.usage_in_bytes", "pids.current"];

    /// <summary>Removes it with all cgroups nested in it, waiting shortly for the last processes to be gone.</summary>
    /// <exception cref="LinuxException">EBUSY: a process still lives in it.</exception>
    public void Remove()
    {
        var wait = new CgroupWait(RemoveLimit);
        Removed(_v2.Directory, wait.Remove(_v2.Directory));
        foreach (var part in _v1)
        {
            // The job is over: whoever is still here had taken itself out of the v2 cgroup, as root can.
            var errno = part.Directory.Remove();
            if (errno == Errno.EBUSY)
            {
                CgroupSignal.Send(part.Directory, Signals.Kill);
                errno = wait.Remove(part.Directory);
            }
            Removed(part.Directory, errno);
        }
    }

    /// <summary>Closes what only the birth of its first process needed.</summary>
    public void Born()
    {
        Directory.Dispose();
        foreach (var file in TaskFiles)
            file.Dispose();
    }

    /// <summary>Closes the descriptors. The cgroup stays, and so do the processes in it.</summary>
    public void Dispose()
    {
        Born();
        Events.Dispose();
    }

    internal IEnumerable<Hierarchy> Parts => [_v2, .. _v1];

    private static Fd Opened(CgroupDirectory directory, string file, OpenFlags flags)
    {
        var fd = directory.Open(file, flags);
        return fd.IsInvalid ? throw LinuxException.Last("open", $"{directory}/{file}") : fd;
    }

    private static void Removed(CgroupDirectory directory, Errno errno)
    {
        if (errno != Errno.None)
            throw new LinuxException("rmdir", errno, directory.Path);
    }
}
