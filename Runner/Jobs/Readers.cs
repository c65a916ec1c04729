namespace Runner.Jobs;

/// <summary>Who is reading which job's output: nothing is pulled from under a reader, and nobody begins to read before it is decided what becomes of it.</summary>
sealed class Readers
{
    private readonly object _lock = new(); // waited on, which a Lock cannot be
    private readonly Dictionary<JobId, int> _reading = [];

    /// <summary>Those that are being removed, whole or their output; true: that is not decided yet.</summary>
    private readonly Dictionary<JobId, bool> _claimed = [];

    /// <summary>Waits while a removal is being stored, as any look at the store does: what is left of the job is known then.</summary>
    /// <returns>The reader's place; dispose it when the reader leaves.</returns>
    public IDisposable Enter(JobId id)
    {
        lock (_lock)
        {
            while (_claimed.GetValueOrDefault(id)) Monitor.Wait(_lock);
            _reading[id] = _reading.GetValueOrDefault(id) + 1;
        }
        return new Place(() => Leave(id));
    }

    /// <summary>Keeps readers out until it is decided, and starts until it is disposed of. Null: it is being read, or somebody else has it.</summary>
    public Claim? TryClaim(JobId id)
    {
        lock (_lock) return _reading.ContainsKey(id) || !_claimed.TryAdd(id, true) ? null : new(this, id);
    }

    public bool IsClaimed(JobId id)
    {
        lock (_lock) return _claimed.ContainsKey(id);
    }

    /// <summary>Whether it could be claimed now.</summary>
    public bool IsFree(JobId id)
    {
        lock (_lock) return !_reading.ContainsKey(id) && !_claimed.ContainsKey(id);
    }

    private void Leave(JobId id)
    {
        lock (_lock)
            if (--_reading[id] == 0) _reading.Remove(id);
    }

    /// <summary>Held by whoever removes a job or its output.</summary>
    public sealed class Claim(Readers readers, JobId id) : IDisposable
    {
        /// <summary>What becomes of the job is stored, and readers find it so.</summary>
        public void Decide()
        {
            lock (readers._lock)
            {
                readers._claimed[id] = false;
                Monitor.PulseAll(readers._lock);
            }
        }

        public void Dispose()
        {
            lock (readers._lock)
            {
                readers._claimed.Remove(id);
                Monitor.PulseAll(readers._lock);
            }
        }
    }

    /// <summary>Given back once.</summary>
    private sealed class Place(Action leave) : IDisposable
    {
        private Action? _leave = leave;

        public void Dispose() => Interlocked.Exchange(ref _leave, null)?.Invoke();
    }
}
