using Runner.Jobs;

namespace Runner.Linux.Cgroups.V2;

/// <summary>What every v2 cgroup accounts without any controller, on hybrid machines too: CPU time (Linux 4.15) and pressure
/// (Linux 4.20, where it is neither left out of the kernel nor turned off).</summary>
sealed class CoreV2() : Controller("core")
{
    public override ResourceUsage ReadUsage(Func<string, string?> read, ResourceUsage usage)
    {
        var stat = read("cpu.stat");
        return usage with
        {
            CpuTotal = KernelText.ReadMicroseconds(stat, "usage_usec"),
            CpuUser = KernelText.ReadMicroseconds(stat, "user_usec"),
            CpuSystem = KernelText.ReadMicroseconds(stat, "system_usec"),
            // Only where the cpu controller is in v2 and on; otherwise v1 tells.
            Throttled = KernelText.ReadMicroseconds(stat, "throttled_usec") ?? usage.Throttled,
            CpuPressure = KernelText.ReadPressure(read("cpu.pressure")),
            MemoryPressure = KernelText.ReadPressure(read("memory.pressure")),
            IoPressure = KernelText.ReadPressure(read("io.pressure")),
        };
    }
}
