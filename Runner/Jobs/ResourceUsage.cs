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
}
