using Runner.Access;
using Runner.Jobs;
using Runner.Tests.Support;

namespace Runner.Tests.Jobs;

public sealed class SignalJobTests : IDisposable
{
    private const int User1 = 10, Stop = 19;

    // Each in a session of its own says when it is there and what it heard.
    private const string ParentAndChild = """
        setsid sh -c 'trap "echo child" USR1; echo ready; while :; do sleep 0.02; done' 2>/dev/null &
        trap 'echo parent' USR1; echo ready; while :; do sleep 0.02; done 2>/dev/null
        """;

    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_signal_goes_to_the_main_process_alone_unless_all_are_meant()
    {
        var job = Shell(ParentAndChild);
        await Machine.LinesAsync(job.Stdout, 2);
        await SignalAsync(job, User1);
        Assert.Equal("parent", (await Machine.LinesAsync(job.Stdout, 3))[2]);
        await SignalAsync(job, User1, all: true);
        Assert.Equal(["child", "parent"], (await Machine.LinesAsync(job.Stdout, 5))[3..].Order());
        Assert.IsType<JobState.Running>(job.Record.State);
    }

    [Theory, InlineData(Signals.Kill, false), InlineData(Signals.Kill, true), InlineData(Signals.Terminate, false), InlineData(64, false)]
    public async Task A_job_that_a_signal_ends_was_stopped_by_nobody(int signal, bool all)
    {
        var job = _machine.Start("/bin/sleep", "1000");
        await SignalAsync(job, signal, all);
        Assert.Equal(new JobEnd.Signaled(signal, false), (await Machine.EndAsync(job)).End);
    }

    [Fact]
    public async Task A_job_that_stands_still_can_be_signalled_and_told_to_end()
    {
        var job = Shell("trap 'echo heard' USR1; trap 'exit 4' TERM; echo ready; kill -STOP $$; while :; do sleep 0.02; done");
        await Machine.LinesAsync(job.Stdout, 1);
        await Processes.StateAsync(job.Record.Pid, 'T');
        await SignalAsync(job, User1);
        await SignalAsync(job, Signals.Continue);
        Assert.Equal("heard", (await Machine.LinesAsync(job.Stdout, 2))[1]);
        await SignalAsync(job, Stop);
        await Processes.StateAsync(job.Record.Pid, 'T');
        await _machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, TimeSpan.FromHours(1), Cancelled);
        Assert.Equal(new JobEnd.Stopped("admin", new ProcessExit.Exited(4)), Machine.EndOf(job));
    }

    [Fact]
    public async Task A_stop_may_begin_with_another_signal()
    {
        var job = Shell("trap 'exit 5' HUP; trap '' TERM; echo ready; while :; do sleep 0.02; done");
        await Machine.LinesAsync(job.Stdout, 1);
        await _machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, TimeSpan.FromHours(1), Cancelled, signal: 1);
        Assert.Equal(new JobEnd.Stopped("admin", new ProcessExit.Exited(5)), Machine.EndOf(job));
    }

    [Theory, InlineData(0), InlineData(-1), InlineData(65), InlineData(int.MaxValue)]
    public async Task What_is_no_signal_is_refused_and_changes_nothing(int signal)
    {
        var job = _machine.Start("/bin/sleep", "1000");
        var refusals = new[]
        {
            await Assert.ThrowsAsync<JobException>(() => SignalAsync(job, signal)),
            await Assert.ThrowsAsync<JobException>(() => _machine.Jobs.StopAsync(job.Record.Id, Machine.Admin, null, Cancelled, signal)),
        };
        Assert.All(refusals, e => Assert.Equal((JobError.BadField, "signal", $"signal {signal}: must be 1 to 64"), (e.Error, e.Field, e.Message)));
        Assert.IsType<JobState.Running>(job.Record.State);
    }

    [Fact]
    public async Task A_job_that_has_ended_one_of_somebody_else_and_one_that_never_was_get_no_signal()
    {
        var job = await _machine.RunAsync("true");
        var eve = new Caller("eve", Role.Writer);
        Assert.Equal(JobError.AlreadyEnded, (await Assert.ThrowsAsync<JobException>(() => SignalAsync(job, User1))).Error);
        Assert.Equal(JobError.NoSuchJob, (await Assert.ThrowsAsync<JobException>(() => _machine.Jobs.SignalAsync(job.Record.Id, eve, User1, false, Cancelled))).Error);
        Assert.Equal(JobError.NoSuchJob, (await Assert.ThrowsAsync<JobException>(() => _machine.Jobs.SignalAsync(JobId.New(), Machine.Admin, User1, false, Cancelled))).Error);
        Assert.Equal(JobError.NoSuchJob, (await Assert.ThrowsAsync<JobException>(() => _machine.Jobs.StopAsync(JobId.New(), Machine.Admin, null, Cancelled))).Error);
    }

    [Fact]
    public async Task A_signal_that_meets_the_exit_is_taken_or_comes_too_late()
    {
        for (var i = 0; i < 50; i++)
        {
            var job = _machine.Start("/bin/true");
            var all = i % 2 == 0;
            Exception? late = null;
            while (late is null) late = await Record.ExceptionAsync(() => SignalAsync(job, Signals.Continue, all));
            Assert.Equal(JobError.AlreadyEnded, Assert.IsType<JobException>(late).Error);
            Assert.Equal(new JobEnd.Exited(0), Machine.EndOf(job)); // told only once it is so
        }
    }

    private Job Shell(string script) => _machine.Start("/bin/sh", "-c", script);

    private Task SignalAsync(Job job, int signal, bool all = false) => _machine.Jobs.SignalAsync(job.Record.Id, Machine.Admin, signal, all, Cancelled);
}
