namespace Runner.Jobs;

/// <summary>The most a job may use. Null: no limit of its own. Fit to be applied once <see cref="JobRules"/> has passed it.</summary>
/// <param name="Cpus">Cores' worth of CPU time, 0.01 to 10,000.</param>
/// <param name="MemoryBytes">Bytes of memory, at least 1 MiB.</param>
/// <param name="Pids">Processes and threads at once, at least 1.</param>
/// <param name="CpuWeight">Its part of the CPU time when there is not enough for all, 1 to 10,000; others have 100.</param>
/// <param name="SwapBytes">Bytes of swap space beside its memory limit. With that limit null means none, as 0 does.</param>
/// <param name="MemoryHighBytes">Bytes of memory above which it is slowed down but lives, at least 1 MiB.</param>
/// <param name="Io">Rates of reading and writing on some disks.</param>
/// <param name="IoWeight">Its part of the disks' time when there is not enough for all, 1 to 10,000; others have 100.</param>
/// <param name="Output">How much is kept of what it writes. The server holds it to that, not the kernel.</param>
sealed record ResourceLimits(
    double? Cpus = null, long? MemoryBytes = null, long? Pids = null, long? CpuWeight = null,
    long? SwapBytes = null, long? MemoryHighBytes = null, IoRates? Io = null, long? IoWeight = null, OutputLimit? Output = null)
{
    public static readonly ResourceLimits None = new();

    public const double LeastCpus = 0.01;
    public const double MostCpus = 10_000;
    public const long LeastMemory = 1 << 20;
    public const long MostMemory = 1L << 50;
    public const long MostWeight = 10_000;
    public const long UsualWeight = 100;
    public const long MostPids = 4_194_304; // PID_MAX_LIMIT, linux/threads.h
}
