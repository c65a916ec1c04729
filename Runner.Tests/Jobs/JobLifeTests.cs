using Runner.Jobs;
using Runner.Tests.Support;

namespace Runner.Tests.Jobs;

public sealed class JobLifeTests : IDisposable
{
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task A_job_writes_to_both_streams_and_returns_its_code()
    {
        var job = await _machine.RunAsync("echo out; echo err >&2; exit 3");
        Assert.Equal(new JobEnd.Exited(3), ((JobState.Ended)job.Record.State).End);
        Assert.Equal("out\n", await Machine.TextAsync(job.Stdout));
        Assert.Equal("err\n", await Machine.TextAsync(job.Stderr));
    }

    [Fact]
    public async Task A_signal_that_kills_the_job_is_its_end()
    {
        var job = await _machine.RunAsync("kill -SEGV $$");
        Assert.IsType<JobEnd.Signaled>(((JobState.Ended)job.Record.State).End);
    }

    [Fact]
    public async Task Memory_past_the_limit_ends_the_job_as_out_of_memory()
    {
        var job = await _machine.RunAsync("head -c 200M /dev/zero | tail -c 200M > /dev/null; exit 7", new(MemoryBytes: 64 << 20));
        var ended = (JobState.Ended)job.Record.State;
        Assert.True(ended.Usage.OomKills > 0, ended.ToString());
    }

    [Fact]
    public async Task A_stop_takes_a_child_that_left_the_session_with_it()
    {
        var job = _machine.Start("/bin/sh", "-c", "setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 100; done' & wait");
        using (var reader = job.Stdout.OpenReader())
            await reader.ReadAsync(0, new byte[100], follow: true, TestContext.Current.CancellationToken);
        var stopped = await _machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
        Assert.IsType<JobEnd.Stopped>(((JobState.Ended)stopped.Record.State).End);
        var pid = (await Machine.TextAsync(job.Stdout)).Trim();
        Assert.False(Directory.Exists($"/proc/{pid}"));
    }
}
