using System.Diagnostics;
using System.Text.RegularExpressions;
using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Linux.Native;
using Runner.Tests.Support;

namespace Runner.Tests.Linux.Cgroups;

public sealed partial class IoLimitTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly TestTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Fact]
    public void Rates_asked_for_are_what_the_kernel_holds_for_each_device()
    {
        var devices = Directory.GetDirectories("/sys/dev/block").Select(Path.GetFileName)
            .Where(number => !File.Exists($"/sys/dev/block/{number}/partition")).Take(2).Order(StringComparer.Ordinal).ToArray();
        Assert.SkipWhen(devices.Length == 0, "there is no block device");
        var asked = new ResourceLimits(Io: new(devices!, ReadBps: 10 << 20, WriteBps: 1, ReadIops: IoRates.MostIops, WriteIops: 100));
        using var job = _tree.Create(asked);
        Assert.Equal(asked, job.Applied);
        using var found = _tree.Tree.Find(job.Name);
        Assert.Equal(asked, found!.Applied);
    }

    [Fact]
    public void A_path_and_a_device_file_stand_for_their_disk()
    {
        var (major, minor) = FileDevice.Of(Repository.At("README.md"));
        Assert.SkipWhen(major == 0, "the repository is not on one block device");
        using var job = _tree.Create(new ResourceLimits(Io: new([Repository.At("README.md")], ReadBps: 1 << 20)));
        var number = Assert.Single(job.Applied.Io!.Devices);
        Assert.False(File.Exists($"/sys/dev/block/{number}/partition"));
        var file = $"/dev/{Name().Match(File.ReadAllText($"/sys/dev/block/{major}:{minor}/uevent")).Groups["name"].Value}";
        Assert.SkipUnless(File.Exists(file), $"there is no {file}");
        Assert.Equal((major, minor), FileDevice.Of(file));
        using var twice = _tree.Create(new ResourceLimits(Io: new([file, Repository.At("README.md"), $"{major}:{minor}"], ReadBps: 1 << 20)));
        Assert.Equal(job.Applied, twice.Applied);
    }

    [Theory]
    [InlineData("/no/such/disk", "No such file or directory")]
    [InlineData("/proc", "it is no block device, nor is its file system on one; name the disk itself, such as /dev/sda or 8:0")]
    [InlineData("/dev/null", "it is no block device, nor is its file system on one; name the disk itself, such as /dev/sda or 8:0")]
    [InlineData("0:0", "there is no block device 0:0")]
    [InlineData("4095:77", "there is no block device 4095:77")]
    public void What_is_no_disk_refuses_the_job_and_leaves_nothing(string device, string reason)
    {
        var failure = Assert.Throws<JobException>(() => _tree.Create(new ResourceLimits(Io: new([device], ReadBps: 1))));
        Assert.Equal((JobError.LimitUnavailable, $"cannot limit io on '{device}': {reason}"), (failure.Error, failure.Message));
        Assert.Empty(_tree.Tree.Names());
    }

    [Fact]
    public async Task A_character_device_does_not_stand_for_the_disk_its_file_is_on()
    {
        using var folder = new TemporaryFolder();
        (await ChildProcess.ShellAsync("mknod \"$1\" c 1 3", folder.At("null"))).Expect(0);
        Assert.Equal(JobError.LimitUnavailable, Assert.Throws<JobException>(() => _tree.Create(new ResourceLimits(Io: new([folder.At("null")], ReadBps: 1)))).Error);
    }

    [Fact]
    public void Direct_writes_are_no_faster_than_allowed()
    {
        using var folder = new TemporaryFolder();
        Assert.SkipWhen(FileDevice.Of(folder.Path).Major == 0, "the temporary folder is not on one block device");
        using var job = _tree.Create(new ResourceLimits(Io: new([folder.Path], WriteBps: 1 << 20)));
        var start = Stopwatch.GetTimestamp();
        using var writer = _tree.Run(job, $"exec dd if=/dev/zero of={folder.Path}/file bs=64K count=48 oflag=direct 2>&1");
        Assert.True(writer.WaitForExit(Limit));
        Assert.True(writer.ExitCode == 0, writer.StandardOutput.ReadToEnd());
        // The kernel counts in slices and lets the first one through at once.
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 2.5, 180);
    }

    [Fact]
    public void A_weight_is_held_or_refused()
    {
        try
        {
            using var job = _tree.Create(new ResourceLimits(IoWeight: 250));
            Assert.Equal(new ResourceLimits(IoWeight: 250), job.Applied);
        }
        catch (JobException failure)
        {
            Assert.Equal(JobError.LimitUnavailable, failure.Error);
            Assert.Matches("^cannot limit io weight to 250: (io|blkio).bfq.weight does not take 250: No such file or directory", failure.Message);
        }
    }

    [GeneratedRegex("(?m)^DEVNAME=(?<name>.*)$")]
    private static partial Regex Name();
}
