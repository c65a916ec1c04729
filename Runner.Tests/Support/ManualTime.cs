namespace Runner.Tests.Support;

/// <summary>A clock that moves only when it is told to, and tells which timers wait on it.</summary>
sealed class ManualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _armed = [];
    private TaskCompletionSource _changed = NewSignal();
    private DateTimeOffset _now = DateTimeOffset.UnixEpoch;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How far somebody has set the clock, which moves no timer and no timestamp.</summary>
    public TimeSpan SetBy { get; set; }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock) return _now + SetBy;
    }

    public override long GetTimestamp()
    {
        lock (_lock) return _now.Ticks;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>When the timers that wait are due, the soonest first.</summary>
    public IReadOnlyList<DateTimeOffset> Due()
    {
        lock (_lock) return [.. _armed.Select(timer => timer.Due).Order()];
    }

    /// <summary>Moves on, and calls every timer that is due by then.</summary>
    public void Advance(TimeSpan by)
    {
        List<ManualTimer> due;
        lock (_lock)
        {
            _now += by;
            due = [.. _armed.Where(timer => timer.Due <= _now).OrderBy(timer => timer.Due)];
            _armed.RemoveAll(due.Contains);
        }
        foreach (var timer in due) timer.Call();
        Tell();
    }

    /// <summary>Waits until the timers are as they should be.</summary>
    public async Task UntilAsync(Func<IReadOnlyList<DateTimeOffset>, bool> holds)
    {
        while (true)
        {
            Task changed;
            lock (_lock) changed = _changed.Task;
            if (holds(Due())) return;
            await changed.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }
    }

    private void Set(ManualTimer timer, TimeSpan? dueIn)
    {
        lock (_lock)
        {
            _armed.Remove(timer);
            if (dueIn is { } span)
            {
                timer.Due = _now + span;
                _armed.Add(timer);
            }
        }
        Tell();
    }

    private void Tell()
    {
        TaskCompletionSource told;
        lock (_lock) (told, _changed) = (_changed, NewSignal());
        told.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class ManualTimer(ManualTime time, Action callback) : ITimer
    {
        public DateTimeOffset Due { get; set; }

        public void Call() => callback();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (period != Timeout.InfiniteTimeSpan) throw new NotSupportedException("a timer that repeats");
            time.Set(this, dueTime == Timeout.InfiniteTimeSpan ? null : dueTime);
            return true;
        }

        public void Dispose() => time.Set(this, null);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
