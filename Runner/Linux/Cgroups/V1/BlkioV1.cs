using System.Globalization;
using Runner.Jobs;

namespace Runner.Linux.Cgroups.V1;

/// <summary>Rates of reading and writing by <c>blkio.throttle.*_device</c>, weight by <c>blkio.bfq.weight</c>, and bytes and
/// requests by <c>blkio.throttle.io_service_bytes_recursive</c> and <c>io_serviced_recursive</c>, all devices together.</summary>
sealed class BlkioV1() : Controller("blkio")
{
    private const string ReadBps = "blkio.throttle.read_bps_device";
    private const string WriteBps = "blkio.throttle.write_bps_device";
    private const string ReadIops = "blkio.throttle.read_iops_device";
    private const string WriteIops = "blkio.throttle.write_iops_device";

    // The only one since Linux 5.0, which dropped blkio.weight with the CFQ scheduler.
    private const string Weight = "blkio.bfq.weight";

    // Since Linux 6.10 nothing is counted on a disk before a rate was written for it somewhere (blk_throtl_init, block/blk-throttle.c): 0 is none.
    public override IEnumerable<(string File, string Text)> ToKeepAccounts(IEnumerable<string> disks) => disks.Select(disk => (ReadBps, $"{disk} 0"));

    public override IEnumerable<LimitFile> ToFiles(ResourceLimits limits)
    {
        if (limits.IoWeight is { } weight)
            yield return new LimitFile(Weight, KernelText.Number(weight), "io weight", KernelText.Number(weight));
        if (limits.Io is not { } io)
            yield break;
        foreach (var (file, rate) in new[] { (ReadBps, io.ReadBps), (WriteBps, io.WriteBps), (ReadIops, io.ReadIops), (WriteIops, io.WriteIops) })
            foreach (var device in rate is null ? [] : io.Devices)
                yield return new LimitFile(file, $"{device} {KernelText.Number(rate!.Value)}", "io", $"{device} {KernelText.Number(rate.Value)}");
    }

    // "8:0 1048576", a line for each device that has a limit.
    public override ResourceLimits FromFiles(Func<string, string?> read, ResourceLimits limits)
    {
        var rates = new DeviceRates();
        foreach (var file in (string[])[ReadBps, WriteBps, ReadIops, WriteIops])
            foreach (var line in (read(file) ?? "").Split('\n'))
                if (KernelText.Words(line) is [var device, var number] && KernelText.ReadNumber(number) is { } rate)
                    rates.Add(file, device, rate);
        return limits with
        {
            Io = rates.Of(ReadBps, WriteBps, ReadIops, WriteIops),
            IoWeight = KernelText.ReadNumber(read(Weight)) ?? KernelText.ReadKey(read(Weight), "default"),
        };
    }

    public override ResourceUsage ReadUsage(Func<string, string?> read, ResourceUsage usage)
    {
        // The recursive ones, with what nested cgroups did, are the younger of each pair.
        var bytes = read("blkio.throttle.io_service_bytes_recursive") ?? read("blkio.throttle.io_service_bytes");
        var requests = read("blkio.throttle.io_serviced_recursive") ?? read("blkio.throttle.io_serviced");
        return usage with
        {
            ReadBytes = Sum(bytes, " Read "),
            WrittenBytes = Sum(bytes, " Write "),
            ReadOperations = Sum(requests, " Read "),
            WrittenOperations = Sum(requests, " Write "),
        };
    }

    // "8:0 Read 4096" for each device and kind, then "Total 4096".
    private static long? Sum(string? text, string kind)
    {
        if (text is null)
            return null;
        long sum = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            var at = line.IndexOf(kind, StringComparison.Ordinal);
            if (at >= 0 && long.TryParse(line[(at + kind.Length)..], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
                sum += count;
        }
        return sum;
    }
}
