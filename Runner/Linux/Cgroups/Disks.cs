using Runner.Jobs;
using Runner.Linux.Native;

namespace Runner.Linux.Cgroups;

/// <summary>Finds the whole disks that people mean by a number, a device file or a path; cgroups hold no partitions.</summary>
static class Disks
{
    private const string Numbers = "/sys/dev/block", Whole = "/sys/block";

    /// <summary>MAJOR:MINOR of every whole disk that has a size now.</summary>
    public static IEnumerable<string> All()
    {
        // Looked for only by who asks for the first.
        foreach (var disk in Directory.Exists(Whole) ? Directory.GetDirectories(Whole) : [])
            if (Read(disk, "size") is not (null or "0") && Read(disk, "dev") is { } number) yield return number;
    }

    /// <summary>The same rates with MAJOR:MINOR of each disk, in order and none twice.</summary>
    /// <exception cref="JobException">A device is not there, or not one disk.</exception>
    public static IoRates Found(IoRates rates) =>
        rates with { Devices = [.. rates.Devices.Select(Find).Distinct().Order(StringComparer.Ordinal)] };

    private static string Find(string device)
    {
        var number = Number(device);
        var folder = new DirectoryInfo($"{Numbers}/{number}");
        if (!folder.Exists)
            throw Unavailable(device, $"there is no block device {number}", null);
        // A partition's folder is in that of its disk.
        return File.Exists($"{folder.FullName}/partition") && folder.ResolveLinkTarget(returnFinalTarget: true) is DirectoryInfo { Parent: { } disk }
            ? File.ReadAllText($"{disk.FullName}/dev").Trim()
            : number;
    }

    private static string Number(string device)
    {
        try
        {
            if (IoRates.TryParseNumber(device, out var major, out var minor)) return $"{major}:{minor}";
            (major, minor) = FileDevice.Of(device);
            // Major 0 is of no device: tmpfs, overlay, btrfs and what comes over the network.
            return major != 0 ? $"{major}:{minor}"
                : throw Unavailable(device, "it is no block device, nor is its file system on one; name the disk itself, such as /dev/sda or 8:0", null);
        }
        catch (LinuxException failure)
        {
            throw Unavailable(device, LinuxException.Describe(failure.Errno), failure.Errno);
        }
    }

    /// <summary>Null: it has just gone.</summary>
    private static string? Read(string disk, string file)
    {
        try
        {
            return File.ReadAllText($"{disk}/{file}").Trim();
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static JobException Unavailable(string device, string reason, Errno? errno) =>
        new(JobError.LimitUnavailable, $"cannot limit io on '{Quoted.Short(device)}': {reason}") { Step = "cgroup device", Errno = (int?)errno };
}
