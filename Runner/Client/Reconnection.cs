using System.Globalization;

namespace Runner.Client;

/// <summary>
/// Lets calls go on when a server that was reached goes away and comes back, as it does when it crashes or is replaced. What all
/// calls of a client lose together is one interruption, and told once; a server that was never reached is not waited for.
/// </summary>
/// <param name="limit">How long a server may be away; zero: calls fail at once, but for those that it says goodbye to.</param>
/// <param name="tell">Gets a sentence when the server is lost, and another when it is back.</param>
/// <param name="time">The clock.</param>
sealed class Reconnection(TimeSpan limit, Action<string> tell, TimeProvider? time = null)
{
    // A server that is replaced while a connection is made leaves it in the air, or says goodbye on it at once; the next one waits for the next server.
    private const int FirstTries = 3;

    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(2);

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Lock _lock = new();
    private int _reached; // how often
    private int _open; // connections on which the server has said something
    private long? _lostAt;

    /// <summary>Waits for no server that is away, and tells nobody.</summary>
    public static Reconnection Never() => new(TimeSpan.Zero, _ => { });

    /// <summary>The server has accepted this client before.</summary>
    public bool WasReached
    {
        get
        {
            lock (_lock) return _reached > 0;
        }
    }

    /// <summary>The server was reached, and is away now.</summary>
    public bool IsLost
    {
        get
        {
            lock (_lock) return _lostAt is not null;
        }
    }

    /// <summary>What a connection has to tell: the server's first bytes, and its end.</summary>
    public void Opened()
    {
        lock (_lock)
        {
            _reached++;
            _open++;
            if (_lostAt is { } at) tell(string.Create(CultureInfo.InvariantCulture, $"reconnected after {_time.GetElapsedTime(at).TotalSeconds:0.0} s"));
            _lostAt = null;
        }
    }

    public void Closed()
    {
        lock (_lock) _open--;
    }

    /// <summary>Makes a call until it is answered, or fails for another reason than a broken connection.</summary>
    /// <param name="server">Who is called, as people know it.</param>
    /// <param name="call">Made anew each time; to be one that may be made twice.</param>
    /// <param name="patience">How long it is waited for, where that is less than usual.</param>
    /// <param name="cancellationToken">Stops the waiting.</param>
    public async Task<T> CallAsync<T>(string server, Func<Task<T>> call, TimeSpan? patience, CancellationToken cancellationToken)
    {
        for (var tries = Begin(server, patience); ;)
        {
            try
            {
                return await call();
            }
            catch (ServerUnreachableException e) when (tries.Goes(e))
            {
                await tries.PauseAsync(cancellationToken);
            }
        }
    }

    /// <summary>The tries of one call.</summary>
    public Tries Begin(string server, TimeSpan? patience = null) => new(this, server, patience < limit ? patience.Value : limit);

    /// <summary>How often a call was made in vain, and whether it is made again.</summary>
    internal sealed class Tries(Reconnection all, string server, TimeSpan patience)
    {
        private int _count;
        private int _reachedBefore = all._reached;
        private TimeSpan _pause = s_firstPause;
        private long? _since; // of the first failure since the server was last reached

        /// <summary>Whether a call that failed so is made again.</summary>
        public bool Goes(ServerUnreachableException failure)
        {
            if (!failure.IsBroken) return false;
            lock (all._lock)
            {
                // Neither is away: this takes no patience.
                if ((all._reached == 0 ? failure.IsCutShort : failure.IsGoodbye) && ++_count < FirstTries) return true;
                if (all._reached == 0 || patience == TimeSpan.Zero) return false;
                if (all._reached != _reachedBefore) (_reachedBefore, _pause, _since) = (all._reached, s_firstPause, null);
                _since ??= all._time.GetTimestamp();

                // Others may have reached it again before this call learned that it was gone.
                if (all._open == 0 && all._lostAt is null)
                {
                    all._lostAt = _since;
                    all.Tell(server);
                }
                return all._time.GetElapsedTime(_since.Value) < patience;
            }
        }

        /// <summary>Twice as long each time, and never quite the same: not all who lost it come back at once.</summary>
        public Task PauseAsync(CancellationToken cancellationToken)
        {
            var pause = _pause * (0.5 + Random.Shared.NextDouble() / 2);
            _pause = _pause * 2 < s_longestPause ? _pause * 2 : s_longestPause;
            return Task.Delay(pause, all._time, cancellationToken);
        }
    }

    private void Tell(string server) => tell($"connection to {server} lost; reconnecting");
}
