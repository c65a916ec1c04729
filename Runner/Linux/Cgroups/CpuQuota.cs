namespace Runner.Linux.Cgroups;

/// <summary>A share of CPU time as the scheduler has it: so many microseconds in each period (sched-bwc.rst).</summary>
readonly record struct CpuQuota(long Quota, long Period)
{
    // The scheduler takes no quota under 1 ms and no period over 1 s. A quota near the tick (1 to 10 ms) is handed out
    // in pieces too coarse for it, so a small share gets a period ten times as long.
    private const long UsualPeriod = 100_000;
    private const long LongPeriod = 1_000_000;
    private const long SmallQuota = 10_000;
    private const long LeastQuota = 1_000;

    public static CpuQuota From(double cpus)
    {
        var period = cpus * UsualPeriod < SmallQuota ? LongPeriod : UsualPeriod;
        return new CpuQuota(Math.Max(LeastQuota, (long)Math.Round(cpus * period)), period);
    }

    public double Cpus => (double)Quota / Period;
}
