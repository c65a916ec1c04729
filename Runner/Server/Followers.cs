using Runner.Jobs;

namespace Runner.Server;

/// <summary>Counts the streams of output that are open, each of which holds a descriptor, and refuses those that are too many.</summary>
sealed class Followers(ServerLimits limits)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _ofEach = new(StringComparer.Ordinal);
    private readonly Dictionary<JobId, int> _ofJobs = [];
    private int _all;
    private int _most;

    // So many at once leave a heap that is worth a look when they have gone.
    private const int Crowd = 100;

    /// <summary>How many streams of a job are being read now.</summary>
    public int Of(JobId job)
    {
        lock (_lock) return _ofJobs.GetValueOrDefault(job);
    }

    /// <param name="caller">Who.</param>
    /// <param name="job">Whose output.</param>
    /// <param name="places">How many it takes: a descriptor each.</param>
    /// <returns>The follower's place; dispose it when it leaves.</returns>
    /// <exception cref="JobException">There is no place left, for this caller or for anybody.</exception>
    public IDisposable Enter(string caller, JobId job, int places = 1)
    {
        lock (_lock)
        {
            var own = _ofEach.GetValueOrDefault(caller);
            if (own + places > limits.FollowersOfOne) throw Full($"{caller} follows {own} streams of output, this call needs {places} more, and one caller may have {limits.FollowersOfOne}");
            if (_all + places > limits.Followers) throw Full($"{_all} streams of output are followed, this call needs {places} more, and this server can have {limits.Followers}");
            (_ofEach[caller], _ofJobs[job], _all) = (own + places, _ofJobs.GetValueOrDefault(job) + 1, _all + places);
            _most = Math.Max(_most, _all);
        }
        return new Place(this, caller, job, places);
    }

    private static JobException Full(string message) => new(JobError.Exhausted, message) { Step = "followers" };

    private void Leave(string caller, JobId job, int places)
    {
        var crowdHasGone = false;
        lock (_lock)
        {
            _all -= places;
            if ((_ofEach[caller] -= places) == 0) _ofEach.Remove(caller);
            if (--_ofJobs[job] == 0) _ofJobs.Remove(job);

            // Some always stay, so it is not waited for the last.
            if (_all <= _most / 10) (crowdHasGone, _most) = (_most >= Crowd, _all);
        }

        // A server that has nothing to do allocates nothing, so the heap would stay as large as the crowd made it.
        if (crowdHasGone) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>One follower's; given back once.</summary>
    private sealed class Place(Followers followers, string caller, JobId job, int places) : IDisposable
    {
        private bool _left;

        public void Dispose()
        {
            if (_left) return;
            _left = true;
            followers.Leave(caller, job, places);
        }
    }
}
