namespace Runner.Jobs;

/// <summary>Who is reading which job's output: nothing is pulled from under a reader, and nobody begins to read what is being removed.</summary>
sealed class Readers
{
    private readonly Lock _lock = new();
    private readonly Dictionary<JobId, int> _reading = [];
    private readonly HashSet<JobId> _claimed = [];

    /// <returns>The reader's place; dispose it when the reader leaves.</returns>
    /// <exception cref="JobException">It is being removed.</exception>
    public IDisposable Enter(JobId id)
    {
        lock (_lock)
        {
            if (_claimed.Contains(id)) throw new JobException(JobError.NoSuchJob, $"no job {id}");
            _reading[id] = _reading.GetValueOrDefault(id) + 1;
        }
        return new Place(() => Leave(id));
    }

    /// <summary>Keeps readers out until it is disposed of. Null: it is being read, or somebody else has it.</summary>
    public IDisposable? TryClaim(JobId id)
    {
        lock (_lock)
            if (_reading.ContainsKey(id) || !_claimed.Add(id)) return null;
        return new Place(() =>
        {
            lock (_lock) _claimed.Remove(id);
        });
    }

    public bool IsClaimed(JobId id)
    {
        lock (_lock) return _claimed.Contains(id);
    }

    private void Leave(JobId id)
    {
        lock (_lock)
            if (--_reading[id] == 0) _reading.Remove(id);
    }

    /// <summary>Given back once.</summary>
    private sealed class Place(Action leave) : IDisposable
    {
        private Action? _leave = leave;

        public void Dispose() => Interlocked.Exchange(ref _leave, null)?.Invoke();
    }
}
