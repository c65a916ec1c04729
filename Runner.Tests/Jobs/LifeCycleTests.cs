using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging.Abstractions;
using Runner.Access;
using Runner.Jobs;
using Runner.Tests.Support;

namespace Runner.Tests.Jobs;

/// <summary>Whatever befalls some jobs and their servers in whatever order: the invariants of docs/design.md, "A job's life", hold.</summary>
public sealed class LifeCycleTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);
    private static readonly Caller s_anna = new("anna", Role.Admin);

    /// <summary>What can befall jobs, each named by a number, and their server.</summary>
    public abstract record Event
    {
        public sealed record Start(int Job, bool HasTimeout) : Event;
        public sealed record Exit(int Job, int Code) : Event;
        public sealed record Stop(int Job, int Grace) : Event;
        public sealed record Pass(int Seconds) : Event;

        /// <summary>The server is killed; the process of this job is held for the next one, or is not.</summary>
        public sealed record Crash(int Job, bool IsHeld) : Event;

        /// <summary>It will be killed when it stores this, before or after that is stored.</summary>
        public sealed record CrashAt(string Step, bool Stored) : Event;

        /// <summary>What is under way comes to its end.</summary>
        public sealed record Settle : Event;
    }

    private static readonly Gen<Event> s_event = Gen.Frequency(
        (4, from job in Gen.Choose(0, 2) from timed in Gen.Frequency((3, Gen.Constant(false)), (1, Gen.Constant(true))) select (Event)new Event.Start(job, timed)),
        (3, from job in Gen.Choose(0, 2) from code in Gen.Choose(0, 255) select (Event)new Event.Exit(job, code)),
        (3, from job in Gen.Choose(0, 2) from grace in Gen.Choose(0, 4) select (Event)new Event.Stop(job, grace)),
        (3, Gen.Choose(1, 4).Select(seconds => (Event)new Event.Pass(seconds))),
        (2, from job in Gen.Choose(0, 2) from held in Gen.Frequency((3, Gen.Constant(true)), (1, Gen.Constant(false))) select (Event)new Event.Crash(job, held)),
        (3, from step in Gen.Elements("insert", "ending", "end") from stored in Gen.Elements(true, false) select (Event)new Event.CrashAt(step, stored)),
        (3, Gen.Constant((Event)new Event.Settle())));

    private static readonly Gen<(Manner Manner, Event[] Events)> s_story =
        from manner in Gen.Elements(Manner.Dies, Manner.Obeys, Manner.Ignores) from events in s_event.NonEmptyListOf() select (manner, events.ToArray());

    [Fact]
    public void The_invariants_of_a_jobs_life_hold_through_any_order_of_starts_ends_and_crashes() =>
        Prop.ForAll(s_story.ToArbitrary(), story => new Play(story.Manner).RunAsync(story.Events).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public async Task A_server_that_died_between_storing_a_stop_and_telling_the_job_has_the_next_one_tell_it()
    {
        var play = new Play(Manner.Obeys);
        await play.RunAsync([new Event.Start(0, false), new Event.CrashAt("ending", true), new Event.Stop(0, 1000), new Event.Settle()]);
        var end = ((JobState.Ended)Assert.Single(play.Machine.Rows()).State).End;
        Assert.Equal(new JobEnd.Stopped("anna", new ProcessExit.Exited(PlayedProcess.CodeWhenObeying)), end);
    }

    /// <summary>One story, told to one machine and to one server after another.</summary>
    private sealed class Play
    {
        private readonly ManualTime _time = new();
        private readonly JobId[] _ids = [JobId.New(), JobId.New(), JobId.New()];
        private readonly Dictionary<JobId, int> _answered = []; // and with which pid
        private readonly HashSet<JobId> _dropped = [];
        private PlayedMachine.Server _server;
        private JobRegistry _jobs;

        public Play(Manner manner)
        {
            Machine.Manner = manner;
            (_server, _jobs) = Serve();
        }

        public PlayedMachine Machine { get; } = new();

        public async Task<bool> RunAsync(Event[] events)
        {
            foreach (var what in events)
            {
                if (_server.IsDead) (_server, _jobs) = Serve();
                await DoAsync(what);
            }

            // The last server of all lives on, and everything comes to its end.
            _server.Die();
            (_server, _jobs) = Serve();
            foreach (var id in Machine.Living()) Machine.Processes[id].Exit(new ProcessExit.Exited(1));
            await UntilAsync(() => Machine.Rows().All(row => row.State is JobState.Ended));
            await UntilAsync(() => _server.Kept.Count == 0);

            Assert.Empty(Machine.Complaints);
            Assert.Empty(Machine.Living());
            Assert.All(_answered.Keys, id => Assert.NotNull(Machine.Row(id))); // 1
            foreach (var row in Machine.Rows()) AssertEnd(row.Id, ((JobState.Ended)row.State).End);
            return true;
        }

        private async Task DoAsync(Event what)
        {
            switch (what)
            {
                case Event.Start(var job, var hasTimeout):
                    Start(_ids[job], new JobSpec { Command = "x", Timeout = hasTimeout ? TimeSpan.FromSeconds(3) : null, GracePeriod = TimeSpan.FromSeconds(2) });
                    break;
                case Event.Exit(var job, var code):
                    Machine.Processes.GetValueOrDefault(_ids[job])?.Exit(new ProcessExit.Exited(code));
                    break;
                case Event.Stop(var job, var grace):
                    // Goes on by itself; what it comes to is seen by the end. One that died in it comes back with nothing.
                    await Task.WhenAny(StopAsync(_jobs, _ids[job], grace), Task.Delay(1));
                    break;
                case Event.Pass(var seconds):
                    _time.Advance(TimeSpan.FromSeconds(seconds));
                    break;
                case Event.Crash(var job, var isHeld):
                    _server.Die();
                    if (isHeld) break;
                    Machine.Drop(_ids[job]);
                    _dropped.Add(_ids[job]);
                    break;
                case Event.CrashAt(var step, var stored):
                    _server.DiesAt = (step, stored);
                    break;
                case Event.Settle:
                    await UntilAsync(() => _server.IsDead || Machine.Rows().All(row => row.State is JobState.Ended || !Machine.Processes[row.Id].HasExited));
                    break;
            }
        }

        private void Start(JobId id, JobSpec spec)
        {
            try
            {
                var job = _jobs.Start(id, spec, s_anna);
                _answered.TryAdd(id, job.Record.Pid);

                // 4: told only what is stored.
                var server = _server;
                _ = job.Ended.ContinueWith(_ =>
                {
                    if (Machine.Row(id)?.State is not JobState.Ended) Machine.Complaints.Add($"the end of {id} is told before it is stored");
                }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
            catch (Exception e) when (e is ServerDiedException or JobException { Error: JobError.IdInUse })
            {
                // Nobody was answered; or the id was asked for with another timeout.
            }
        }

        private static async Task StopAsync(JobRegistry jobs, JobId id, int grace)
        {
            try
            {
                await jobs.StopAsync(id, s_anna, TimeSpan.FromSeconds(grace), CancellationToken.None);
            }
            catch (Exception e) when (e is ServerDiedException or JobException)
            {
                // There is no such job, or it had ended.
            }
        }

        /// <summary>The next server: after its look at what is left, what runs has a row and what has a row without an end runs.</summary>
        private (PlayedMachine.Server, JobRegistry) Serve()
        {
            var server = new PlayedMachine.Server(Machine);
            var jobs = new JobRegistry(server, server, 100, _time, NullLogger<JobRegistry>.Instance);
            jobs.Recover(new JobEnd.Lost("the server that ran it is gone"));
            var running = Machine.Rows().Where(row => row.State is JobState.Running).Select(row => row.Id).ToHashSet();
            Assert.Subset(running, Machine.Living().ToHashSet()); // 6
            Assert.Subset(server.Kept.Concat(Machine.Rows().Where(row => row.State is JobState.Ended).Select(row => row.Id)).ToHashSet(), running); // 5
            return (server, jobs);
        }

        private void AssertEnd(JobId id, JobEnd end)
        {
            var exit = Machine.Processes[id].Exited.Result;
            if (end is JobEnd.Lost)
            {
                Assert.Contains(id, _dropped); // 7
                return;
            }
            Assert.Equal(exit, EndParts.Of(end).Exit); // 2
            switch (Machine.Causes.GetValueOrDefault(id)) // 3
            {
                case EndCause.Stop(var by): Assert.Equal(new JobEnd.Stopped(by, exit), end); break;
                case EndCause.Timeout: Assert.Equal(new JobEnd.TimedOut(exit), end); break;
                default: Assert.True(end is JobEnd.Exited or JobEnd.Signaled, $"nobody set about ending job {id}, but: {end}"); break;
            }
        }

        private static async Task UntilAsync(Func<bool> holds)
        {
            for (var start = Environment.TickCount64; !holds(); await Task.Delay(1))
                Assert.True(Environment.TickCount64 - start < s_limit.TotalMilliseconds, "it does not come to an end");
        }
    }
}
