using System.Text;
using Runner.Jobs;
using Runner.Output;
using Runner.Tests.Support;

namespace Runner.Tests.Linux.Processes;

/// <summary>What is kept of what real jobs write, and how they get at their streams.</summary>
public sealed class CaptureTests : IDisposable
{
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task Every_byte_is_on_record_once_in_order_with_a_time_within_the_jobs_life()
    {
        var begun = DateTime.UtcNow.Ticks;
        var job = await _machine.RunAsync("for i in $(seq 200); do echo $i; echo err $i >&2; done; head -c 5000000 /dev/zero");
        var ended = (JobState.Ended)job.Record.State;
        using var index = new OutputIndex(job.Output.Index);
        var (next, last) = (new long[2], begun - TimeSpan.TicksPerSecond);
        for (var i = 0L; i < index.Count; i++)
        {
            var record = index[i];
            Assert.Equal(next[(int)record.Kind], record.Offset);
            next[(int)record.Kind] = record.End;
            Assert.InRange(record.Ticks, last, ended.EndedAt.UtcTicks + TimeSpan.TicksPerSecond * 10);
            last = record.Ticks;
        }
        Assert.Equal([ended.StdoutBytes, ended.StderrBytes], next);
        Assert.True(job.Output.Index.IsComplete);
    }

    [Fact]
    public async Task Merged_streams_keep_the_exact_order_of_the_writes()
    {
        const int Records = 40_000;
        var script = "import os\nfor i in range(" + Records + "): os.write(1 + i % 2, b'%06d\\n' % i)";
        var job = _machine.Start(new JobSpec { Command = "python3", Args = ["-c", script], MergeOutput = true });
        await Machine.EndAsync(job);
        Assert.Equal(string.Concat(Enumerable.Range(0, Records).Select(i => $"{i:000000}\n")), await Machine.TextAsync(job.Stdout));
        Assert.Equal(0, job.Stderr.Length);
        Assert.Empty(await Machine.TextAsync(job.Stderr));
    }

    [Theory]
    [InlineData(false, "to out\nmore\n", "to err\nagain\n")]
    [InlineData(true, "to out\nto err\nmore\nagain\n", "")]
    public async Task A_job_that_is_another_user_by_now_still_opens_its_streams_by_name(bool merge, string stdout, string stderr)
    {
        const string Script = "echo to out >/dev/stdout; echo to err >/dev/stderr; echo more >>/proc/self/fd/1; echo again >>/dev/fd/2";
        var job = _machine.Start(new JobSpec
        {
            Command = "setpriv", Args = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-c", Script], MergeOutput = merge,
        });
        await Machine.EndAsync(job);
        Assert.Equal((stdout, stderr), (await Machine.TextAsync(job.Stdout), await Machine.TextAsync(job.Stderr)));
        Assert.Equal(new JobEnd.Exited(0), Machine.EndOf(job));
    }

    [Fact]
    public async Task Strangers_on_the_machine_get_neither_into_a_jobs_streams_nor_at_what_it_wrote()
    {
        var job = _machine.Start("/bin/sh", "-c", "echo ready; exec sleep 1000");
        await Machine.FirstLineAsync(job.Stdout);
        var pid = job.Record.Pid;
        var ran = await ChildProcess.RunAsync("/usr/bin/setpriv", [
            "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-c",
            $"echo x >/proc/{pid}/fd/1; echo x >/proc/{pid}/fd/2; head -c 1 </proc/{pid}/fd/1; ls /proc/{pid}/fd"], RunnerBinary.Surroundings());
        Assert.NotEqual(0, ran.Code);
        Assert.Empty(ran.Output);

        // Not even a process of the same user as a job's may read what is captured.
        var own = _machine.Start("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-c", "echo ready; exec sleep 1000");
        await Machine.FirstLineAsync(own.Stdout);
        var reader = await ChildProcess.RunAsync("/usr/bin/setpriv", [
            "--reuid", "65534", "--regid", "65534", "--clear-groups", "timeout", "5", "head", "-c", "1", $"/proc/{own.Record.Pid}/fd/1"], RunnerBinary.Surroundings());
        Assert.Contains("Permission denied", reader.Error, StringComparison.Ordinal);
        await _machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, TimeSpan.Zero, TestContext.Current.CancellationToken);
        Assert.Equal("ready\n", await Machine.TextAsync(job.Stdout));
    }

    [Fact]
    public async Task Output_of_a_job_whose_index_is_gone_or_cut_is_still_read_whole()
    {
        var job = await _machine.RunAsync("echo one; echo two >&2");
        var index = Path.Combine(_machine.Folder, "jobs", job.Record.Id.ToString(), "index");
        Assert.Equal(48, new FileInfo(index).Length);
        foreach (var size in new[] { 47, 24, 3, 0, -1 })
        {
            if (size >= 0)
            {
                using var file = File.OpenHandle(index, FileMode.Open, FileAccess.Write);
                RandomAccess.SetLength(file, size);
            }
            else File.Delete(index);
            var stored = _machine.Jobs.Find(job.Record.Id, Machine.Admin).Output;
            using var reader = await PieceReader.OpenAsync(stored, new(null, OutputBegin.Start, Follow: true), TestContext.Current.CancellationToken);
            var text = new StringBuilder();
            while (await reader.ReadAsync(long.MaxValue, TestContext.Current.CancellationToken) is { } piece) text.Append(CultureFree(piece));
            Assert.Equal("Stdout 0+4 Stderr 0+4 ", Ordered(text.ToString()));
        }

        static string CultureFree(OutputPiece piece) => $"{piece.Kind} {piece.Offset}+{piece.Length} ";

        // Which stream was captured first is chance.
        static string Ordered(string text) => text.StartsWith("Stdout", StringComparison.Ordinal) ? text : string.Join("", text[11..], text[..11]);
    }
}
