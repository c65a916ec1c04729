using Runner.Server;
using Runner.Tests.Support;

namespace Runner.Tests.Server;

public sealed class RefusalLogTests
{
    [Fact]
    public void A_flood_of_refusals_is_ten_lines_and_a_number_and_the_next_one_is_told_again()
    {
        var (log, time) = (new CapturedLog(), new OneTimer());
        var refusals = new RefusalLog(log, time);
        for (var i = 0; i < 1000; i++) refusals.Refused(null, "it sent no client certificate", "none");
        Assert.Equal(10, log.Lines.Count);
        time.Fire();
        Assert.Equal("Refused 990 more connections within a second", log.Lines[^1]);
        refusals.Refused(null, "it sent no client certificate", "none");
        Assert.StartsWith("Refused a connection", log.Lines[^1]);
        time.Fire();
        Assert.Equal(12, log.Lines.Count);
    }

    /// <summary>A clock whose timer fires when the test says so.</summary>
    private sealed class OneTimer : TimeProvider
    {
        private Action _fire = () => { };

        public void Fire() => _fire();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _fire = () => callback(state);
            return new Nothing();
        }

        private sealed class Nothing : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() { }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
