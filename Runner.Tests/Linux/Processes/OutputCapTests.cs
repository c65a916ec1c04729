using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;
using Runner.Output;
using Runner.Tests.Grpc;
using Runner.Tests.Support;

namespace Runner.Tests.Linux.Processes;

/// <summary>How much is kept of what a job writes, on the real disk.</summary>
public sealed class OutputCapTests : IDisposable
{
    private const int Cap = 256 * 1024;
    private const string Script = "seq 300000";

    private static readonly byte[] s_all = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, 300_000).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i}\n"))));
    private readonly Machine _machine = new(mostOutput: 1 << 20);

    public void Dispose() => _machine.Dispose();

    [Theory, InlineData(Cap, "KeepTail"), InlineData(null, null)]
    public async Task Of_a_job_that_keeps_its_tail_the_newest_bytes_are_there_and_the_disk_has_no_more(int? bytes, string? policy)
    {
        var job = await _machine.RunAsync(Script, Limits(bytes, policy));
        var (ended, cap) = (await Machine.EndAsync(job), bytes ?? 1 << 20);
        Assert.Equal((new JobEnd.Exited(0), s_all.Length), (ended.End, ended.StdoutBytes));
        Assert.Equal(new OutputLimit(cap, OutputPolicy.KeepTail), job.Record.Applied.Output);
        var kept = ended.Stdout!;
        Assert.InRange(s_all.Length - kept.Dropped, cap * 7 / 8, cap);
        Assert.Equal(kept.From, kept.Dropped);
        AssertKept(job, kept);

        // Blocks of 512 bytes, as stat(2) counts; the file begins in the middle of none.
        Assert.InRange(await BlocksAsync(job, "stdout") * 512, cap * 7 / 8, cap + 4096);
    }

    [Theory, InlineData("KeepTail"), InlineData("KeepHead"), InlineData("StopJob")]
    public async Task What_is_exactly_as_much_as_is_kept_is_kept_whole(string policy)
    {
        var job = await _machine.RunAsync($"head -c {Cap} /dev/zero", Limits(Cap, policy));
        var ended = await Machine.EndAsync(job);
        Assert.Equal((new JobEnd.Exited(0), Cap, (0, 0)), (ended.End, ended.StdoutBytes, (ended.Stdout!.From, ended.Stdout.Dropped)));
    }

    [Theory, InlineData("KeepHead"), InlineData("StopJob")]
    public async Task Of_a_job_that_keeps_its_head_the_rest_is_counted(string policy)
    {
        // It ends by itself, or is ended; what it wrote until then is counted in both cases.
        var job = await _machine.RunAsync(policy is "StopJob" ? $"{Script}; exec sleep 1000" : Script, Limits(Cap, policy));
        var ended = await Machine.EndAsync(job);
        if (policy is "StopJob") Assert.IsType<JobEnd.OutputLimit>(ended.End);
        else Assert.Equal(s_all.Length, ended.StdoutBytes);
        var kept = ended.Stdout!;
        Assert.Equal((0, Cap), (kept.From, ended.StdoutBytes - kept.Dropped));
        AssertKept(job, kept);
    }

    [Fact]
    public async Task A_job_that_is_stopped_for_its_output_has_its_grace_period_and_then_none()
    {
        var job = _machine.Start(new JobSpec
        {
            Command = "/bin/sh", Args = ["-c", "trap 'echo asked >&2' TERM; while :; do seq 1000; done"], GracePeriod = TimeSpan.FromSeconds(3), Limits = Limits(Cap, "StopJob"),
        });
        Assert.Equal(new JobEnd.OutputLimit(new ProcessExit.Signaled(9, false)), (await Machine.EndAsync(job)).End);
        Assert.Contains("asked\n", await Machine.TextAsync(job.Stderr));
    }

    [Fact]
    public async Task What_is_kept_and_its_digest_are_on_record_and_a_silent_stream_has_that_of_nothing()
    {
        var job = await _machine.RunAsync("echo one");
        var ended = await Machine.EndAsync(job);
        Assert.Equal(new KeptOutput(0, 0, Convert.ToHexStringLower(SHA256.HashData("one\n"u8))), ended.Stdout);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData([])), Runner.Wire.JobViews.Of(job, 0).Stderr!.Sha256);
        Assert.Equal(ended, _machine.Jobs.Find(job.Record.Id, Machine.Admin).Record.State);
        Assert.False(File.Exists(Path.Combine(_machine.Folder, "jobs", job.Record.Id.ToString(), "kept")));
    }

    [Fact]
    public void More_than_the_server_keeps_is_refused_with_what_is_valid()
    {
        var refusal = Assert.Throws<JobException>(() => _machine.Start(new JobSpec { Command = "true", Limits = Limits((1 << 20) + 1, null) }));
        Assert.Equal((JobError.BadField, "spec.max_output_bytes", "output limit 1048577 bytes: must be 65536 to 1048576, the most this server keeps of a stream"), (refusal.Error, refusal.Field, refusal.Message));
        Assert.Empty(_machine.Cgroups());
        Assert.Equal("spec.max_output_bytes", Assert.Throws<JobException>(() => _machine.Start(new JobSpec { Command = "true", Limits = Limits(65535, null) })).Field);
    }

    [Fact]
    public void Where_the_disk_takes_nothing_back_a_tail_is_refused_and_a_head_is_kept_by_default()
    {
        var here = new OutputAllowance(1 << 20, CanGiveBack: false);
        Assert.Equal(new OutputLimit(1 << 20, OutputPolicy.KeepHead), here.Grant(null));
        Assert.Equal(new OutputLimit(Cap, OutputPolicy.StopJob), here.Grant(new(Cap, OutputPolicy.StopJob)));
        Assert.Equal(JobError.LimitUnavailable, Assert.Throws<JobException>(() => here.Grant(new(Cap, OutputPolicy.KeepTail))).Error);
        Assert.Null(new OutputAllowance(null, true).Grant(null));
        Assert.Equal(
            "output policy keep-head: must come with an output limit, as this server has none of its own",
            Assert.Throws<JobException>(() => new OutputAllowance(null, true).Grant(new(null, OutputPolicy.KeepHead))).Message);
        Assert.Equal(new OutputLimit(Cap, OutputPolicy.KeepTail), new OutputAllowance(null, true).Grant(new(Cap)));
    }

    [Theory, InlineData("/tmp"), InlineData("/dev/shm")]
    public async Task An_index_of_single_bytes_is_held_to_the_cap_too_and_what_is_left_of_it_is_right(string disk)
    {
        var path = Path.Combine(disk, $"runner-test-{Guid.NewGuid():N}");
        Directory.CreateDirectory(path);
        try
        {
            var (files, id, (read, write)) = (new OutputFiles(path), JobId.New(), Pipes.Create());
            using var loop = new EventLoop("test", e => throw e);
            using var capture = new JobCapture(loop, id, files.New(id), [read], new(OutputCap.Least, OutputPolicy.KeepTail), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
            capture.Start();
            const int Count = 6000;
            for (var i = 0; i < Count; i++)
            {
                WriteByte(write);
                await capture.Index.WaitPastAsync(i * OutputRecord.Size, TestContext.Current.CancellationToken).AsTask().Soon();
            }
            write.Dispose();
            await capture.FinishAsync().Soon();
            Assert.Equal((Count, Count * OutputRecord.Size), (capture.Stdout.Length, capture.Index.Length));
            var blocks = (await ChildProcess.ShellAsync("stat -c %b \"$1\"", Path.Combine(path, "jobs", id.ToString(), "index"))).Expect(0).Output;
            Assert.InRange(long.Parse(blocks, CultureInfo.InvariantCulture) * 512, 24 * 1024, OutputCap.Least + 4096);
            using var index = new OutputIndex(capture.Index);
            Assert.True(index.IsCut);
            Assert.Equal((index.First, 1), (index[index.First].Offset, index[index.First].Length));
            Assert.True(index[index.First - 1].IsGone);
            Assert.Equal(Count - 1, index[Count - 1].Offset);
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }

        static unsafe void WriteByte(Fd to)
        {
            var one = (byte)'x';
            Assert.Equal(1, Libc.Write(to, &one, 1));
        }
    }

    [Fact]
    public void A_head_that_was_written_down_as_gone_is_given_back_by_the_next_server()
    {
        using var folder = new TemporaryFolder();
        var (files, id) = (new OutputFiles(folder.Path), JobId.New());
        var before = files.New(id);
        before.Stdout.File.Open();
        File.WriteAllBytes(Path.Combine(files.Folder(id), "stdout"), [.. Enumerable.Repeat((byte)'x', 200_000)]);
        before.Stdout.File.Dispose();
        before.Kept.Write(OutputKind.Stdout, 8192, 0);
        before.Kept.Dispose();
        var after = files.Reopen(id);
        Assert.Equal(8192, after.Stdout.Log.First);
        var room = new StreamRoom(new(200_000, OutputPolicy.KeepTail), OutputKind.Stdout, after.Stdout, after.Kept, () => { });
        Assert.Equal(8192, room.Make(200_000));
        after.Stdout.File.Dispose();
        after.Kept.Dispose();
        var left = files.Left(id, OutputKind.Stdout, afterPowerCut: true);
        Assert.Equal((8192, 200_000), (left.First, left.Length));
    }

    [Fact]
    public async Task A_hole_counts_as_given_up_only_after_a_power_cut_for_some_file_systems_make_them_of_zeros_that_a_job_wrote()
    {
        using var folder = new TemporaryFolder();
        var (files, id) = (new OutputFiles(folder.Path), JobId.New());
        Assert.SkipUnless(files.CanGiveBack, "this file system makes no holes");
        var before = files.New(id);
        before.Kept.Write(OutputKind.Stdout, 8192, 0);
        before.Kept.Dispose();
        var path = Path.Combine(files.Folder(id), "stdout");
        File.WriteAllBytes(path, [.. Enumerable.Repeat((byte)'x', 400_000)]);
        (await ChildProcess.ShellAsync("fallocate --punch-hole --offset 131072 --length 131072 \"$1\"", path)).Expect(0);
        Assert.Equal(8192, files.Left(id, OutputKind.Stdout, afterPowerCut: false).First);
        Assert.Equal(262_144, files.Left(id, OutputKind.Stdout, afterPowerCut: true).First);
    }

    private static ResourceLimits Limits(int? bytes, string? policy) =>
        new(Output: bytes is null && policy is null ? null : new(bytes, policy is null ? null : Enum.Parse<OutputPolicy>(policy)));

    private void AssertKept(Job job, KeptOutput kept)
    {
        // From the record and the disk alone, as after a restart.
        var log = _machine.Jobs.Find(job.Record.Id, Machine.Admin).Stdout;
        Assert.Equal(kept with { Sha256 = null }, log.Kept);
        using var reader = log.OpenReader();
        var bytes = new byte[log.KeptEnd - log.First];
        Assert.True(reader.Fill(log.First, bytes));
        if (job.Record.Spec.Limits.Output?.Policy is not OutputPolicy.StopJob) Assert.Equal(s_all[(int)log.First..(int)log.KeptEnd], bytes);
        Assert.Equal(kept.Sha256, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    private async Task<long> BlocksAsync(Job job, string name) => long.Parse(
        (await ChildProcess.ShellAsync("stat -c %b \"$1\"", Path.Combine(_machine.Folder, "jobs", job.Record.Id.ToString(), name))).Expect(0).Output, CultureInfo.InvariantCulture);
}
