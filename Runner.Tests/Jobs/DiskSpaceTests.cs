using Runner.Jobs;
using Runner.Tests.Support;
using static Runner.Tests.Support.PlayedDisk;

namespace Runner.Tests.Jobs;

/// <summary>What is kept free on the disk, and what is done with less.</summary>
public sealed class DiskSpaceTests
{
    [Theory]
    [InlineData(1000, 51, false, false)]
    [InlineData(1000, 50, false, false)]
    [InlineData(1000, 49, true, false)]
    [InlineData(1000, 25, true, false)]
    [InlineData(1000, 24, true, true)]
    [InlineData(0, 0, false, false)] // does not tell
    public void Below_the_reserve_no_job_is_started_and_below_half_of_it_output_waits(long all, long free, bool low, bool holdsBack)
    {
        var bytes = new DiskSpace("/", all, free, 50, 0, 0, 0);
        Assert.Equal((low, holdsBack), (bytes.IsLow, bytes.HoldsBack));
        var files = new DiskSpace("/", 1 << 30, 1 << 30, 50, all, free, 50);
        Assert.Equal((low, holdsBack), (files.IsLow, files.HoldsBack));
    }

    [Theory, InlineData(1L << 40, 256L << 20), InlineData(100L << 20, 5L << 20), InlineData(0, 0)]
    public void The_usual_reserve_is_the_smaller_of_256_MiB_and_a_twentieth(long all, long reserve) => Assert.Equal(reserve, DiskSpace.UsualReserveOf(all));

    [Fact]
    public void It_says_what_there_is_too_little_of()
    {
        Assert.Equal("3 MiB free, 5 MiB are kept", new DiskSpace("/", 100 * Mebibyte, 3 * Mebibyte, 5 * Mebibyte, 1000, 1, 50).Words);
        Assert.Equal("1 inodes free, 50 are kept", new DiskSpace("/", 100 * Mebibyte, 30 * Mebibyte, 5 * Mebibyte, 1000, 1, 50).Words);
    }

    [Fact]
    public async Task A_start_is_refused_on_a_disk_that_is_nearly_full_and_what_runs_goes_on()
    {
        var disk = new PlayedDisk();
        using var machine = new Machine(disk: disk);
        var spec = new JobSpec { Command = "sleep", Args = ["1000"] };
        var job = machine.Start(spec);
        disk.FreeBytes = 49 * Mebibyte;
        var refused = Assert.Throws<JobException>(() => machine.Start("true"));
        Assert.Equal((JobError.Exhausted, "disk"), (refused.Error, refused.Step));
        Assert.StartsWith("the disk of /played is nearly full: 49 MiB free, 50 MiB are kept for the ends of jobs; ", refused.Message, StringComparison.Ordinal);

        // Asked for again, and stopped.
        Assert.Equal(job.Record.Pid, machine.Jobs.Start(job.Record.Id, spec, Machine.Admin).Record.Pid);
        await machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, TimeSpan.Zero, TestContext.Current.CancellationToken);
        disk.FreeBytes = 50 * Mebibyte;
        await Machine.EndAsync(machine.Start("true"));
    }
}
