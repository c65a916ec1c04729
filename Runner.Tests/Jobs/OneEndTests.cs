using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging.Abstractions;
using Runner.Jobs;
using Runner.Tests.Support;

namespace Runner.Tests.Jobs;

/// <summary>Whatever befalls a job in whatever order: it has one end, and the first that set about ending it is the reason.</summary>
public sealed class OneEndTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    /// <summary>What can befall a job.</summary>
    public abstract record Event
    {
        public sealed record Exit(int Code) : Event;
        public sealed record Stop(string By, int Grace) : Event;
        public sealed record Signal(int Number, bool All) : Event;
        public sealed record Pass(int Seconds) : Event;
        public sealed record WriteTooMuch : Event;
    }

    /// <summary>A job and what befalls it.</summary>
    public sealed record Story(Manner Manner, int? Timeout, int Grace, IReadOnlyList<Event> Events)
    {
        public override string ToString() => $"{Manner}, timeout {Timeout}, grace {Grace}: {string.Join(", ", Events)}";
    }

    private static readonly Gen<Event> s_event = Gen.Frequency(
        (1, Gen.Choose(0, 255).Select(code => (Event)new Event.Exit(code))),
        (2, from who in Gen.Elements("anna", "bert") from grace in Gen.Choose(0, 6) select (Event)new Event.Stop(who, grace)),
        (2, from number in Gen.Elements(Signals.Kill, 10, Signals.Terminate) from all in Gen.Elements(true, false) select (Event)new Event.Signal(number, all)),
        (1, Gen.Constant((Event)new Event.WriteTooMuch())),
        (4, Gen.Choose(1, 5).Select(seconds => (Event)new Event.Pass(seconds))));

    private static readonly Gen<Story> s_story =
        from manner in Gen.Elements(Manner.Dies, Manner.Obeys, Manner.Ignores, Manner.Ignores)
        from timeout in Gen.Elements<int?>(null, 1, 3, 8)
        from grace in Gen.Choose(0, 4)
        from events in s_event.ArrayOf()
        select new Story(manner, timeout, grace, events);

    [Fact]
    public void A_job_ends_once_for_the_first_reason_whatever_the_order() =>
        Prop.ForAll(s_story.ToArbitrary(), story => PlayAsync(story).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void A_job_ends_once_for_a_reason_that_was_there_when_all_comes_at_once() =>
        Prop.ForAll(s_story.ToArbitrary(), story => PlayAtOnceAsync(story).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public async Task A_timeout_of_years_is_waited_for_in_pieces_that_a_timer_takes()
    {
        var (job, process, _, time) = Begin(Manner.Dies, JobRules.MostTimeout, TimeSpan.FromSeconds(5));
        for (var left = JobRules.MostTimeout; left > TimeSpan.Zero;)
        {
            var step = left < TimeSpan.FromDays(30) ? left : TimeSpan.FromDays(30);
            await time.UntilAsync(due => due.SequenceEqual([time.GetUtcNow() + step]));
            Assert.False(process.HasExited);
            time.Advance(step);
            left -= step;
        }
        await job.Ended.WaitAsync(s_limit, TestContext.Current.CancellationToken);
        Assert.IsType<JobEnd.TimedOut>(Assert.IsType<JobState.Ended>(job.Record.State).End);
    }

    /// <summary>One after the other, each having had its effect before the next; a model tells what that is.</summary>
    private static async Task<bool> PlayAsync(Story story)
    {
        var (job, process, store, time) = Begin(story.Manner, Seconds(story.Timeout), TimeSpan.FromSeconds(story.Grace));
        var model = new Model(story);
        foreach (var what in story.Events)
        {
            switch (what)
            {
                case Event.Exit(var code):
                    process.Exit(new ProcessExit.Exited(code));
                    model.Exit(new ProcessExit.Exited(code));
                    break;
                case Event.Stop(var by, var grace):
                    var stop = job.StopAsync(by, Signals.Terminate, TimeSpan.FromSeconds(grace), CancellationToken.None);
                    if (model.Ended) Assert.Equal(JobError.AlreadyEnded, (await Assert.ThrowsAsync<JobException>(() => stop)).Error);
                    model.Stop(by, grace);
                    break;
                case Event.Signal(var number, var all):
                    var signal = job.SignalAsync(number, all, CancellationToken.None);
                    if (model.Ended) Assert.Equal(JobError.AlreadyEnded, (await Assert.ThrowsAsync<JobException>(() => signal)).Error);
                    else await signal;
                    model.Take(number);
                    break;
                case Event.WriteTooMuch:
                    process.WriteTooMuch();
                    model.WriteTooMuch();
                    if (!model.Ended) await time.UntilAsync(due => due.Select(InSeconds).SequenceEqual(model.Due));
                    break;
                case Event.Pass(var seconds):
                    for (var left = seconds; left > 0;)
                    {
                        await time.UntilAsync(due => due.Select(InSeconds).SequenceEqual(model.Due));
                        var step = model.Ended || model.Due.Count == 0 ? left : Math.Min(left, model.Due[0] - model.Now);
                        time.Advance(TimeSpan.FromSeconds(step));
                        model.Pass(step);
                        left -= step;
                        if (model.Ended) await job.Ended.WaitAsync(s_limit);
                    }
                    await time.UntilAsync(due => due.Select(InSeconds).SequenceEqual(model.Due));
                    break;
            }
            if (model.Ended) await job.Ended.WaitAsync(s_limit);
        }
        if (!model.Ended)
        {
            Assert.False(process.HasExited);
            process.Kill();
            model.Exit(new ProcessExit.Signaled(Signals.Kill, false));
            await job.Ended.WaitAsync(s_limit);
        }
        var end = Assert.IsType<JobState.Ended>(Assert.Single(store.Ends).State).End;
        Assert.Equal(model.End(), end);
        Assert.Equal(store.Ends[0], job.Record);
        await time.UntilAsync(due => due.Count == 0);
        return process.IsGivenBack;
    }

    /// <summary>Each on a thread of its own: what comes of it is one of the ends that could be.</summary>
    private static async Task<bool> PlayAtOnceAsync(Story story)
    {
        var (job, process, store, time) = Begin(story.Manner, Seconds(story.Timeout), TimeSpan.FromSeconds(story.Grace));
        using var gate = new ManualResetEventSlim();
        var stops = new List<(string By, Task<Exception?> Outcome)>();
        var others = new List<Task>();
        foreach (var what in story.Events.Append(new Event.Exit(99)))
        {
            if (what is Event.Stop(var by, var grace))
                stops.Add((by, Gated(() => job.StopAsync(by, Signals.Terminate, TimeSpan.FromSeconds(grace), CancellationToken.None))));
            else
                others.Add(Gated(() => what switch
                {
                    Event.Exit(var code) => Task.FromResult(process.Exit(new ProcessExit.Exited(code))),
                    Event.Signal(var number, var all) => job.SignalAsync(number, all, CancellationToken.None),
                    Event.WriteTooMuch => Task.Run(process.WriteTooMuch),
                    Event.Pass(var seconds) => Task.Run(() => time.Advance(TimeSpan.FromSeconds(seconds))),
                    _ => throw new InvalidOperationException($"{what}"),
                }));
        }
        gate.Set();
        await job.Ended.WaitAsync(s_limit);
        await Task.WhenAll([.. others, .. stops.Select(stop => stop.Outcome)]).WaitAsync(s_limit);

        var end = Assert.IsType<JobState.Ended>(Assert.Single(store.Ends).State).End;
        var parts = EndParts.Of(end);
        Assert.Equal(await process.Exited, parts.Exit);
        var inTime = stops.Where(stop => stop.Outcome.Result is null).Select(stop => stop.By).ToList();
        Assert.All(stops.Select(stop => stop.Outcome.Result).OfType<Exception>(), e => Assert.Equal(JobError.AlreadyEnded, Assert.IsType<JobException>(e).Error));
        if (end is JobEnd.Stopped(var stopper, _)) Assert.Contains(stopper, inTime);
        else if (end is JobEnd.OutputLimit) Assert.Contains(new Event.WriteTooMuch(), story.Events);
        else if (end is JobEnd.TimedOut) Assert.True(story.Timeout <= story.Events.OfType<Event.Pass>().Sum(pass => pass.Seconds));
        else Assert.Empty(inTime);
        await time.UntilAsync(due => due.Count == 0);
        return true;

        Task<Exception?> Gated(Func<Task> act) => Task.Run(async () =>
        {
            gate.Wait();
            try
            {
                await act();
                return null;
            }
            catch (JobException e)
            {
                return (Exception?)e;
            }
        });
    }

    private static (RunningJob Job, PlayedProcess Process, CountingStore Store, ManualTime Time) Begin(Manner manner, TimeSpan? timeout, TimeSpan grace)
    {
        var (process, store, time) = (new PlayedProcess(manner), new CountingStore(), new ManualTime());
        var spec = new JobSpec { Command = "x", Timeout = timeout, GracePeriod = grace };
        var record = new JobRecord(JobId.New(), spec, "anna", 1, ResourceLimits.None, time.GetUtcNow(), new JobState.Running());
        var job = new RunningJob(record, process, store, time, NullLogger.Instance);
        _ = job.SuperviseAsync();
        return (job, process, store, time);
    }

    private static int InSeconds(DateTimeOffset time) => (int)(time - DateTimeOffset.UnixEpoch).TotalSeconds;

    private static TimeSpan? Seconds(int? seconds) => seconds is { } some ? TimeSpan.FromSeconds(some) : null;

    /// <summary>What should come of a story, by the rules as people are told them.</summary>
    private sealed class Model(Story story)
    {
        private readonly List<int> _kills = [];
        private int? _timeout = story.Timeout;
        private bool _wroteTooMuch;
        private EndCause? _cause;
        private ProcessExit? _exit;

        public int Now { get; private set; }
        public bool Ended => _exit is not null;
        public IReadOnlyList<int> Due => Ended ? [] : [.. _kills.Concat(_timeout is { } at ? [at] : []).Order()];

        public void Exit(ProcessExit exit) => _exit ??= exit;

        public void Take(int signal)
        {
            if (PlayedProcess.ExitBy(story.Manner, signal) is { } exit) Exit(exit);
        }

        public void Stop(string by, int grace) => SetAbout(new EndCause.Stop(by), grace, tells: true);

        public void WriteTooMuch()
        {
            if (!_wroteTooMuch) SetAbout(new EndCause.OutputLimit(), story.Grace, tells: _cause is null);
            _wroteTooMuch = true;
        }

        public void Pass(int seconds)
        {
            Now += seconds;
            if (Ended) return;
            var isKilled = _kills.Any(at => at <= Now);
            if (_timeout <= Now)
            {
                _timeout = null;
                SetAbout(new EndCause.Timeout(), story.Grace, tells: _cause is null);
            }
            if (isKilled) Exit(new ProcessExit.Signaled(Signals.Kill, false));
        }

        public JobEnd End() => (_cause, _exit) switch
        {
            (EndCause.Stop(var by), { } exit) => new JobEnd.Stopped(by, exit),
            (EndCause.Timeout, { } exit) => new JobEnd.TimedOut(exit),
            (EndCause.OutputLimit, { } exit) => new JobEnd.OutputLimit(exit),
            (null, ProcessExit.Exited(var code)) => new JobEnd.Exited(code),
            (null, ProcessExit.Signaled(var signal, var core)) => new JobEnd.Signaled(signal, core),
            _ => throw new InvalidOperationException("no end"),
        };

        private void SetAbout(EndCause cause, int grace, bool tells)
        {
            if (Ended) return;
            _cause ??= cause;
            if (grace == 0) Exit(new ProcessExit.Signaled(Signals.Kill, false));
            else
            {
                if (tells) Take(Signals.Terminate);
                _kills.Add(Now + grace);
            }
        }
    }
}
