using Microsoft.Extensions.Logging.Abstractions;
using Runner.Jobs;
using Runner.Tests.Support;

namespace Runner.Tests.Jobs;

/// <summary>A clock that is set while jobs run changes no span of time, and tells no end before its start.</summary>
public sealed class SetClockTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly PlayedProcess _process = new(Manner.Ignores);
    private readonly CountingStore _store = new();

    public void Dispose() => _process.Dispose();

    [Theory, InlineData(-365), InlineData(365)]
    public async Task A_timeout_and_a_grace_period_last_as_long_as_they_were_to(int days)
    {
        var job = Supervised(new JobSpec { Command = "x", Timeout = TimeSpan.FromSeconds(10), GracePeriod = TimeSpan.FromSeconds(5) });
        await _time.UntilAsync(due => due.Count == 1);
        _time.SetBy = TimeSpan.FromDays(days);
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Equal((0, 0), _process.Given);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        await _time.UntilAsync(due => due.Count == 1);
        Assert.Equal((1, 0), _process.Given);
        _time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Equal((1, 0), _process.Given);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        var ended = await EndAsync(job);
        Assert.IsType<JobEnd.TimedOut>(ended.End);
        Assert.Equal(days > 0 ? job.Record.StartedAt.AddDays(days).AddSeconds(15) : job.Record.StartedAt, ended.EndedAt);
    }

    [Theory, InlineData(-365), InlineData(365)]
    public async Task A_job_that_another_server_started_before_the_clock_was_set_times_out_by_its_age(int days)
    {
        using var process = new PlayedProcess(Manner.Obeys) { Age = TimeSpan.FromSeconds(4) };
        var spec = new JobSpec { Command = "x", Timeout = TimeSpan.FromSeconds(10) };
        var record = new JobRecord(JobId.New(), spec, "anna", 1, ResourceLimits.None, _time.GetUtcNow().AddDays(-days), new JobState.Running());
        var job = new RunningJob(record, process, _store, _time, NullLogger.Instance);
        _ = job.SuperviseAsync();
        await _time.UntilAsync(due => due.Count == 1);
        Assert.Equal([_time.GetUtcNow().AddSeconds(6)], _time.Due());
        _time.Advance(TimeSpan.FromSeconds(6));
        Assert.IsType<JobEnd.TimedOut>((await EndAsync(job)).End);
    }

    [Theory, InlineData(-30, 10), InlineData(4, 6)]
    public async Task Where_an_age_cannot_be_told_the_clock_is_gone_by(int startedSecondsAgo, int secondsLeft)
    {
        using var process = new PlayedProcess(Manner.Obeys) { Age = null };
        var spec = new JobSpec { Command = "x", Timeout = TimeSpan.FromSeconds(10) };
        var record = new JobRecord(JobId.New(), spec, "anna", 1, ResourceLimits.None, _time.GetUtcNow().AddSeconds(-startedSecondsAgo), new JobState.Running());
        var job = new RunningJob(record, process, _store, _time, NullLogger.Instance);
        _ = job.SuperviseAsync();
        await _time.UntilAsync(due => due.Count == 1);
        Assert.Equal([_time.GetUtcNow().AddSeconds(secondsLeft)], _time.Due());
        _time.Advance(TimeSpan.FromSeconds(secondsLeft));
        Assert.IsType<JobEnd.TimedOut>((await EndAsync(job)).End);
    }

    [Fact]
    public async Task A_job_that_ended_in_time_while_no_server_was_there_has_not_timed_out()
    {
        using var process = new PlayedProcess(Manner.Obeys) { Age = null, IsReportedLate = true };
        process.Exit(new ProcessExit.Exited(0));
        var record = new JobRecord(JobId.New(), new JobSpec { Command = "x", Timeout = TimeSpan.FromSeconds(10) }, "anna", 1, ResourceLimits.None, _time.GetUtcNow().AddHours(-1), new JobState.Running());
        var job = new RunningJob(record, process, _store, _time, NullLogger.Instance);
        _ = job.SuperviseAsync();
        Assert.Equal((0, 0), process.Given);
        process.Report();
        Assert.Equal(new JobEnd.Exited(0), (await EndAsync(job)).End);
    }

    [Fact]
    public async Task A_stop_that_a_former_server_began_before_the_clock_was_set_back_is_not_put_off_for_longer_than_any_grace_period()
    {
        var job = Supervised(new JobSpec { Command = "x" }, new EndingPlan(new EndCause.Stop("anna"), _time.GetUtcNow().AddYears(1)));
        await _time.UntilAsync(due => due.Count == 1);
        Assert.Equal([_time.GetUtcNow() + JobRules.MostGrace], _time.Due());
        _time.Advance(JobRules.MostGrace);
        Assert.Equal(new JobEnd.Stopped("anna", new ProcessExit.Signaled(Signals.Kill, false)), (await EndAsync(job)).End);
    }

    private RunningJob Supervised(JobSpec spec, EndingPlan? ending = null)
    {
        var record = new JobRecord(JobId.New(), spec, "anna", 1, ResourceLimits.None, _time.GetUtcNow(), new JobState.Running());
        var job = new RunningJob(record, _process, _store, _time, NullLogger.Instance, ending);
        _ = job.SuperviseAsync();
        return job;
    }

    private static async Task<JobState.Ended> EndAsync(RunningJob job)
    {
        await job.Ended.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        return (JobState.Ended)job.Record.State;
    }
}
