using Runner.Jobs;
using Runner.Keeper;
using Runner.Linux.Processes;
using Runner.Tests.Support;

namespace Runner.Tests.Keeper;

/// <summary>How jobs went survives the keeper, whatever the disk does.</summary>
public sealed class ExitFileTests : IDisposable
{
    private const string Boot = "11111111-2222-3333-4444-555555555555";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_until_it_is_cleared_and_its_place_is_used_again()
    {
        var (first, second, third) = (JobId.New(), JobId.New(), JobId.New());
        using (var file = new ExitFile(_folder.Path, Boot))
        {
            file.Write(first, Gone(new ProcessExit.Exited(7)));
            file.Write(second, Gone(new ProcessExit.Signaled(9, CoreDumped: true)) with { InStop = true });
        }
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.At("exits")));
        using (var next = new ExitFile(_folder.Path, Boot))
        {
            next.Clear(first);
            next.Write(third, Gone(new ProcessExit.Exited(0)));
        }
        var left = ExitFile.Read(_folder.Path, Boot);
        Assert.Equal([(second, Gone(new ProcessExit.Signaled(9, CoreDumped: true)) with { InStop = true }), (third, Gone(new ProcessExit.Exited(0)))],
            left.Select(exit => (exit.Key, exit.Value)).OrderBy(exit => exit.Key == third));
        Assert.Equal(256, new FileInfo(_folder.At("exits")).Length);
        Assert.Empty(ExitFile.Read(_folder.Path, "another boot"));
    }

    [Fact]
    public void What_is_torn_does_not_count()
    {
        var (first, second) = (JobId.New(), JobId.New());
        using (var file = new ExitFile(_folder.Path, Boot))
        {
            file.Write(first, Gone(new ProcessExit.Exited(7)));
            file.Write(second, Gone(new ProcessExit.Exited(8)));
        }
        var bytes = File.ReadAllBytes(_folder.At("exits"));
        bytes[100] ^= 1;
        File.WriteAllBytes(_folder.At("exits"), [.. bytes, 1, 2, 3]);
        Assert.Equal([second], ExitFile.Read(_folder.Path, Boot).Keys);
        using (var file = new ExitFile(_folder.Path, Boot)) file.Write(first, Gone(new ProcessExit.Exited(9)));
        Assert.Equal(new ProcessExit.Exited(9), ExitFile.Read(_folder.Path, Boot)[first].Exit);
    }

    [Fact]
    public void Many_come_and_go_without_the_file_growing_for_ever()
    {
        using var file = new ExitFile(_folder.Path, Boot);
        var jobs = Enumerable.Range(0, 1000).Select(_ => JobId.New()).ToList();
        foreach (var job in jobs) file.Write(job, Gone(new ProcessExit.Exited(1)));
        Assert.Equal(1000, ExitFile.Read(_folder.Path, Boot).Count);
        foreach (var job in jobs) file.Clear(job);
        Assert.Equal(0, new FileInfo(_folder.At("exits")).Length);
    }

    [Fact]
    public void A_folder_that_is_not_there_or_a_file_that_cannot_be_written_harms_nobody()
    {
        using var nowhere = new ExitFile(_folder.At("nowhere"), Boot);
        nowhere.Write(JobId.New(), Gone(new ProcessExit.Exited(7)));
        Directory.CreateDirectory(_folder.At("exits"));
        using var folder = new ExitFile(_folder.Path, Boot);
        folder.Write(JobId.New(), Gone(new ProcessExit.Exited(7)));
        Directory.CreateDirectory(_folder.At("full"));
        File.CreateSymbolicLink(_folder.At("full/exits"), "/dev/full");
        using var full = new ExitFile(_folder.At("full"), Boot);
        full.Write(JobId.New(), Gone(new ProcessExit.Exited(7)));
        full.Clear(JobId.New());
    }

    [Fact]
    public void What_the_disk_refused_is_written_with_the_next_note_or_when_it_is_tried_again()
    {
        Directory.CreateDirectory(_folder.At("exits")); // which cannot be opened to be written to
        var jobs = Enumerable.Range(0, 3).Select(_ => JobId.New()).ToList();
        using var file = new ExitFile(_folder.Path, Boot);
        foreach (var job in jobs) file.Write(job, Gone(new ProcessExit.Exited(7)));
        file.Clear(jobs[1]);
        file.TryAgain();
        Assert.True(file.IsBehind);
        Directory.Delete(_folder.At("exits"));
        file.TryAgain();
        Assert.False(file.IsBehind);
        Assert.Equal(new HashSet<JobId> { jobs[0], jobs[2] }, ExitFile.Read(_folder.Path, Boot).Keys.ToHashSet());
        file.Clear(jobs[0]);
        file.Clear(jobs[2]);
        Assert.Empty(ExitFile.Read(_folder.Path, Boot));
    }

    [Fact]
    public void On_a_disk_that_takes_nothing_what_is_still_to_be_written_does_not_grow_with_jobs_that_have_come_and_gone()
    {
        Directory.CreateDirectory(_folder.At("exits"));
        using var file = new ExitFile(_folder.Path, Boot);
        for (var i = 0; i < 100; i++)
        {
            var job = JobId.New();
            file.Write(job, Gone(new ProcessExit.Exited(7)));
            file.Clear(job);
        }
        Assert.False(file.IsBehind);
    }

    private static ReapedProcess Gone(ProcessExit exit) => new(exit, 11, 12, true, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
}
