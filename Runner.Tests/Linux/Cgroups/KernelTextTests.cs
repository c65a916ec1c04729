using FsCheck;
using FsCheck.Fluent;
using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Linux.Cgroups.V1;
using Runner.Linux.Cgroups.V2;

namespace Runner.Tests.Linux.Cgroups;

public sealed class KernelTextTests
{
    private static readonly Controller[] Both = [new CpuV2(), new CpuV1(), new MemoryV2(), new MemoryV1(), new Pids()];

    private static readonly Gen<ResourceLimits> Limits =
        from cpus in Gen.Choose(1, 1_000_000).Select(hundredths => hundredths / 100.0)
        from memory in Gen.Choose(256, int.MaxValue).Select(pages => (long)pages * Environment.SystemPageSize)
        from pids in Gen.Choose(1, (int)ResourceLimits.MostPids)
        from weight in Gen.Choose(1, (int)ResourceLimits.MostWeight)
        from swap in Gen.Choose(1, int.MaxValue)
        from high in Gen.Choose(1 << 20, int.MaxValue)
        from which in Gen.Choose(0, 63)
        select new ResourceLimits(
            (which & 1) == 0 ? null : cpus, (which & 2) == 0 ? null : memory, (which & 4) == 0 ? null : pids,
            (which & 8) == 0 ? null : weight, (which & 18) == 18 ? swap : null, (which & 32) == 0 ? null : high);

    [Fact]
    public void Limits_written_are_limits_read_in_both_kinds_of_tree() =>
        Prop.ForAll(Limits.ToArbitrary(), limits => Both.All(controller => ReadBack(controller, limits) == Part(controller, limits)))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void A_quota_is_one_the_scheduler_takes_and_never_much_more_than_asked() =>
        Prop.ForAll(Limits.ToArbitrary(), limits => limits.Cpus is not { } cpus || IsGood(CpuQuota.From(cpus), cpus))
            .QuickCheckThrowOnFailure();

    [Theory, InlineData(0.01, "1000 100000"), InlineData(0.5, "50000 100000"), InlineData(2.0, "200000 100000"), InlineData(10_000, "1000000000 100000")]
    public void A_share_is_a_quota_in_each_period(double cpus, string text) =>
        Assert.Equal(text, new CpuV2().ToFiles(new ResourceLimits(Cpus: cpus)).Single().Text);

    [Theory, InlineData(100, "1024"), InlineData(1, "10"), InlineData(10_000, "102400")]
    public void In_v1_the_usual_weight_is_the_usual_shares(long weight, string text) =>
        Assert.Equal(text, new CpuV1().ToFiles(new ResourceLimits(CpuWeight: weight)).Single().Text);

    [Fact]
    public void A_limited_job_does_not_swap_and_dies_as_a_whole() => Assert.Equal(
        ["memory.max=1048576", "memory.swap.max=0", "memory.oom.group=1"],
        new MemoryV2().ToFiles(new ResourceLimits(MemoryBytes: 1 << 20)).Select(file => $"{file.File}={file.Text}"));

    [Fact]
    public void In_v1_memory_comes_before_memory_with_swap() => Assert.Equal(
        ["memory.limit_in_bytes=1048576", "memory.memsw.limit_in_bytes=1048576", "memory.swappiness=0"],
        new MemoryV1().ToFiles(new ResourceLimits(MemoryBytes: 1 << 20)).Select(file => $"{file.File}={file.Text}"));

    private static readonly Gen<ResourceLimits> IoLimits =
        from rates in Gen.Choose(1, int.MaxValue).ArrayOf(4)
        from devices in Gen.Choose(1, 300).Select(number => $"{number}:{number % 16}").ArrayOf(3)
        from weight in Gen.Choose(1, 1000)
        from which in Gen.Choose(0, 31)
        select new ResourceLimits(
            Io: (which & 15) == 0 ? null : new IoRates(
                [.. devices.Distinct().Order(StringComparer.Ordinal)],
                (which & 1) == 0 ? null : rates[0], (which & 2) == 0 ? null : rates[1] * 1000L, (which & 4) == 0 ? null : rates[2], (which & 8) == 0 ? null : rates[3]),
            IoWeight: (which & 16) == 0 ? null : weight);

    // A kernel keeps a line for each device of what is written to one file.
    [Fact]
    public void Rates_written_are_rates_read_in_both_kinds_of_tree() =>
        Prop.ForAll(IoLimits.ToArbitrary(), limits => new Controller[] { new IoV2(), new BlkioV1() }.All(controller =>
        {
            var files = controller.ToFiles(limits).ToLookup(file => file.File, file => file.File == "io.weight" ? $"default {file.Text}" : file.Text);
            return controller.FromFiles(file => files.Contains(file) ? string.Join('\n', files[file]) + '\n' : null, ResourceLimits.None) == limits;
        })).QuickCheckThrowOnFailure();

    [Fact]
    public void Each_device_is_told_its_rates_by_itself()
    {
        var asked = new ResourceLimits(Io: new(["8:0", "8:16"], ReadBps: 1 << 20, WriteIops: 7));
        Assert.Equal(
            ["io.max=8:0 rbps=1048576 wiops=7", "io.max=8:16 rbps=1048576 wiops=7"],
            new IoV2().ToFiles(asked).Select(file => $"{file.File}={file.Text}"));
        Assert.Equal(
            ["read_bps_device=8:0 1048576", "read_bps_device=8:16 1048576", "write_iops_device=8:0 7", "write_iops_device=8:16 7"],
            new BlkioV1().ToFiles(asked).Select(file => $"{file.File["blkio.throttle.".Length..]}={file.Text}"));
    }

    [Fact]
    public void What_the_kernel_tells_of_rates_is_understood()
    {
        Assert.Equal(
            new ResourceLimits(Io: new(["254:0"], WriteBps: 2048), IoWeight: 50),
            new IoV2().FromFiles(file => file == "io.max" ? "254:0 rbps=max wbps=2048 riops=max wiops=max\n" : file == "io.bfq.weight" ? "50\n" : null, ResourceLimits.None));
        Assert.Equal(
            new ResourceLimits(IoWeight: 2000),
            new IoV2().FromFiles(file => file == "io.weight" ? "default 2000\n8:0 3\n" : null, ResourceLimits.None));
    }

    [Fact]
    public void Swap_comes_beside_memory_and_is_held_to_no_more_than_was_asked()
    {
        var asked = new ResourceLimits(MemoryBytes: 1 << 20, SwapBytes: 2 << 20);
        Assert.Equal(
            ["memory.max=1048576", "memory.swap.max=2097152", "memory.oom.group=1"],
            new MemoryV2().ToFiles(asked).Select(file => $"{file.File}={file.Text}"));
        Assert.Equal(
            ["memory.limit_in_bytes=1048576", "memory.memsw.limit_in_bytes=3145728"],
            new MemoryV1().ToFiles(asked).Select(file => $"{file.File}={file.Text}"));
        Assert.Equal("3145728", new MemoryV1().ToFiles(asked with { MemoryBytes = (1 << 20) + 1 }).Last().Text);
        Assert.DoesNotContain(Both.SelectMany(controller => controller.ToFiles(asked)), file => file.Limit == "swap" && file.IfPresent);
    }

    [Theory]
    [InlineData("max\n", null), InlineData("-1\n", null), InlineData("", null), InlineData(null, null), InlineData("12\n", 12L), InlineData("99999999999999999999", null)]
    public void What_is_no_number_is_no_limit(string? text, long? value) => Assert.Equal(value, KernelText.ReadNumber(text));

    [Fact]
    public void A_key_is_matched_whole()
    {
        const string Events = "low 0\noom 1\noom_kill 2\noom_group_kill 3\n";
        Assert.Equal(2, KernelText.ReadKey(Events, "oom_kill"));
        Assert.Equal(1, KernelText.ReadKey(Events, "oom"));
        Assert.Null(KernelText.ReadKey(Events, "oo"));
        Assert.Null(KernelText.ReadKey(null, "oom"));
    }

    [Fact]
    public void Bytes_of_all_devices_are_added_up()
    {
        var v2 = new IoV2().ReadUsage(_ => "8:0 rbytes=1 wbytes=20 rios=3 wios=4 dbytes=5 dios=6\n259:0 rbytes=100 wbytes=2000 rios=0 wios=0 dbytes=0 dios=0\n", ResourceUsage.None);
        Assert.Equal((101, 2020), (v2.ReadBytes, v2.WrittenBytes));
        var v1 = new BlkioV1().ReadUsage(_ => "8:0 Read 1\n8:0 Write 20\n8:0 Sync 21\n8:0 Total 21\n8:16 Read 100\n8:16 Write 2000\nTotal 2121\n", ResourceUsage.None);
        Assert.Equal((101, 2020), (v1.ReadBytes, v1.WrittenBytes));
        Assert.Equal(ResourceUsage.None, new IoV2().ReadUsage(_ => null, ResourceUsage.None));
    }

    [Fact]
    public void Requests_of_all_devices_are_added_up()
    {
        var v2 = new IoV2().ReadUsage(_ => "8:0 rbytes=1 wbytes=20 rios=3 wios=40\n259:0 rbytes=0 wbytes=0 rios=500 wios=6000\n", ResourceUsage.None);
        Assert.Equal((503, 6040), (v2.ReadOperations, v2.WrittenOperations));
        var v1 = new BlkioV1().ReadUsage(file => file.StartsWith("blkio.throttle.io_serviced", StringComparison.Ordinal) ? "8:0 Read 3\n8:0 Write 40\n8:16 Read 500\n8:16 Write 6000\nTotal 6543\n" : null, ResourceUsage.None);
        Assert.Equal(new ResourceUsage { ReadOperations = 503, WrittenOperations = 6040 }, v1);
    }

    [Theory]
    [InlineData("some avg10=0.00 avg60=0.00 avg300=0.00 total=1500\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", 1500L, 7L)]
    [InlineData("some avg10=0.00 avg60=0.00 avg300=0.00 total=1500\n", 1500L, null)]
    [InlineData("some avg10=0.00 avg60=0.00 avg300=0.00 total=9000000000000000000\nfull total=-1", null, null)]
    [InlineData("", null, null)]
    [InlineData(null, null, null)]
    public void Pressure_is_the_total_of_each_kind(string? text, long? some, long? full)
    {
        var pressure = KernelText.ReadPressure(text);
        Assert.Equal((some, full), ((long?)pressure?.Some?.TotalMicroseconds, (long?)pressure?.Full?.TotalMicroseconds));
        Assert.Equal(some is null, pressure is null);
    }

    [Fact]
    public void Any_text_can_be_read() =>
        Prop.ForAll<string>(text => Both.Append(new IoV2()).Append(new BlkioV1()).Append(new CoreV2()).All(controller =>
        {
            controller.FromFiles(_ => text, ResourceLimits.None);
            controller.ReadUsage(_ => text, ResourceUsage.None);
            return KernelText.ReadProcesses(text).All(pid => pid > 0);
        })).QuickCheckThrowOnFailure();

    private static bool IsGood(CpuQuota quota, double cpus) =>
        quota.Quota >= 1_000 && quota.Period is >= 1_000 and <= 1_000_000 && Math.Abs(quota.Cpus - cpus) <= cpus * 0.001;

    private static ResourceLimits ReadBack(Controller controller, ResourceLimits limits)
    {
        var files = controller.ToFiles(limits).ToDictionary(file => file.File, file => file.Text);
        return controller.FromFiles(file => files.GetValueOrDefault(file), ResourceLimits.None);
    }

    private static ResourceLimits Part(Controller controller, ResourceLimits limits) => controller.Name switch
    {
        "cpu" => new ResourceLimits(Cpus: limits.Cpus, CpuWeight: limits.CpuWeight),
        "memory" => new ResourceLimits(MemoryBytes: limits.MemoryBytes, SwapBytes: limits.SwapBytes, MemoryHighBytes: controller is MemoryV2 ? limits.MemoryHighBytes : null),
        _ => new ResourceLimits(Pids: limits.Pids),
    };
}
