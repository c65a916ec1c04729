namespace Runner.Linux.Cgroups;

/// <summary>A share of CPU time as the scheduler has it: so many microseconds in each period (sched-bwc.rst).</summary>
readonly record struct CpuQuota(long Quota, long Period)
{
    // The kernel's own default. The least quota it takes, 1 ms, is then just the least share there is, 0.01 cores. Such a
    // share runs a tick (4 ms) at a time and pays it back in the periods after: 0.0107 cores were measured over 8 s, with
    // the longest period of 1 s 0.0109, and a job that stands still ten times as long.
    private const long UsualPeriod = 100_000;
    private const long LeastQuota = 1_000;

    public static CpuQuota From(double cpus) => new(Math.Max(LeastQuota, (long)Math.Round(cpus * UsualPeriod)), UsualPeriod);

    public double Cpus => (double)Quota / Period;
}
