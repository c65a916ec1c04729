using Runner.Jobs;
using Runner.Tests.Support;

namespace Runner.Tests.Jobs;

public sealed class TimeoutTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromMilliseconds(200);

    // Those that have something to do before.
    private static readonly TimeSpan s_later = TimeSpan.FromSeconds(4);
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task A_job_past_its_timeout_is_told_to_end()
    {
        var job = Start("exec sleep 1000", s_soon, grace: 1000);
        var ended = await Machine.EndAsync(job);
        Assert.Equal(new JobEnd.TimedOut(new ProcessExit.Signaled(Signals.Terminate, false)), ended.End);
        Assert.True(ended.EndedAt - job.Record.StartedAt >= s_soon);
    }

    [Fact]
    public async Task A_job_that_takes_its_timeout_well_has_timed_out_with_its_own_code()
    {
        var job = Start("trap 'echo bye; exit 0' TERM; while :; do sleep 0.01; done", s_later, grace: 1000);
        Assert.Equal(new JobEnd.TimedOut(new ProcessExit.Exited(0)), (await Machine.EndAsync(job)).End);
        Assert.Equal("bye\n", await Machine.TextAsync(job.Stdout));
    }

    [Fact]
    public async Task A_job_that_ignores_its_timeout_is_killed_after_its_grace_period_with_all_its_children()
    {
        var job = Start("trap '' TERM; setsid sleep 1000 & echo $!; while :; do sleep 100; done", s_later, grace: 0.1);
        Assert.Equal(new JobEnd.TimedOut(new ProcessExit.Signaled(Signals.Kill, false)), (await Machine.EndAsync(job)).End);
        Assert.False(Processes.IsAlive(int.Parse(await Machine.FirstLineAsync(job.Stdout))));
    }

    [Fact]
    public async Task A_job_that_ends_in_time_has_not_timed_out() =>
        Assert.Equal(new JobEnd.Exited(3), (await Machine.EndAsync(Start("exit 3", TimeSpan.FromHours(1), grace: 0))).End);

    [Fact]
    public async Task A_job_that_stands_still_times_out()
    {
        var job = Start("kill -STOP $$", s_soon, grace: 1000);
        Assert.Equal(new JobEnd.TimedOut(new ProcessExit.Signaled(Signals.Terminate, false)), (await Machine.EndAsync(job)).End);
    }

    [Fact]
    public async Task A_job_that_is_being_stopped_when_its_time_is_up_was_stopped_and_gets_no_more_than_its_own_grace_period()
    {
        var job = Start("trap 'echo told' TERM; echo ready; while :; do sleep 0.01; done", TimeSpan.FromSeconds(8), grace: 0.5);
        await Machine.FirstLineAsync(job.Stdout);
        await _machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, TimeSpan.FromHours(1), TestContext.Current.CancellationToken);
        Assert.Equal(new JobEnd.Stopped("admin", new ProcessExit.Signaled(Signals.Kill, false)), Machine.EndOf(job));
        Assert.Equal("ready\ntold\n", await Machine.TextAsync(job.Stdout));
    }

    private Job Start(string script, TimeSpan timeout, double grace) => _machine.Start(
        new JobSpec { Command = "/bin/sh", Args = ["-c", script], Timeout = timeout, GracePeriod = TimeSpan.FromSeconds(grace) });
}
