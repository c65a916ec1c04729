namespace Runner.Server;

/// <summary>How much of the process's descriptors callers may take, so that jobs always find some left.</summary>
/// <param name="Connections">Most connections at once, handshakes included.</param>
/// <param name="Followers">Most streams of output at once, of everybody together.</param>
sealed record ServerLimits(int Connections, int Followers)
{
    private const int MostConnections = 10_000;

    /// <summary>Most streams of output at once of one caller.</summary>
    public int FollowersOfOne => Math.Max(1, Followers / 2);

    /// <summary>A quarter for connections, a quarter for followers; the rest is the jobs' and the server's own.</summary>
    /// <param name="descriptors">How many the process may have open.</param>
    public static ServerLimits Of(long descriptors)
    {
        var quarter = (int)Math.Clamp(descriptors / 4, 1, int.MaxValue);
        return new(Math.Min(quarter, MostConnections), quarter);
    }
}
