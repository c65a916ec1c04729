namespace Runner.Jobs;

/// <summary>What a job has used, by the kernel's own accounting of its cgroup. Null: this kernel does not tell.</summary>
sealed record ResourceUsage
{
    public static readonly ResourceUsage None = new();

    public TimeSpan? CpuUser { get; init; }
    public TimeSpan? CpuSystem { get; init; }

    /// <summary>CPU time in all. The kernel rounds user and system apart, so they need not add up to it.</summary>
    public TimeSpan? CpuTotal { get; init; }

    /// <summary>How long its processes wanted to run but were held back by the CPU limit.</summary>
    public TimeSpan? Throttled { get; init; }

    /// <summary>Bytes in use now; zero once it has ended.</summary>
    public long? Memory { get; init; }

    /// <summary>Most bytes in use at once.</summary>
    public long? MemoryPeak { get; init; }

    /// <summary>Processes of it that the kernel killed for want of memory.</summary>
    public long? OomKills { get; init; }

    /// <summary>Processes and threads now.</summary>
    public long? Pids { get; init; }

    public long? ReadBytes { get; init; }
    public long? WrittenBytes { get; init; }

    /// <summary>Requests to disks, as the block layer counted them.</summary>
    public long? ReadOperations { get; init; }
    public long? WrittenOperations { get; init; }

    /// <summary>Most processes and threads at once.</summary>
    public long? PidsPeak { get; init; }

    /// <summary>
    /// How often the main process, its threads, and every descendant that was waited for gave up the CPU by itself, to wait
    /// for something. Known once it has ended. Not in it: processes that nobody waited for, and so what the job left behind.
    /// </summary>
    public long? VoluntarySwitches { get; init; }

    /// <summary>How often the same lost the CPU to others, its time being up.</summary>
    public long? InvoluntarySwitches { get; init; }

    public Pressure? CpuPressure { get; init; }
    public Pressure? MemoryPressure { get; init; }
    public Pressure? IoPressure { get; init; }
}

/// <summary>How long a job's processes stood still for want of something (PSI, Linux 4.20, cgroup v2). Null: the kernel does not tell.</summary>
/// <param name="Some">At least one did.</param>
/// <param name="Full">All that had something to do did, so that nothing of the job went on.</param>
sealed record Pressure(TimeSpan? Some, TimeSpan? Full);
