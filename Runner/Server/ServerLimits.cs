namespace Runner.Server;

/// <summary>How much of the process's descriptors callers may take, so that jobs always find some left.</summary>
/// <param name="Connections">Most connections at once, handshakes included.</param>
/// <param name="Followers">Most streams of output at once, of everybody together.</param>
sealed record ServerLimits(int Connections, int Followers)
{
    private const int MostConnections = 10_000;

    /// <summary>Most streams of output at once of one caller.</summary>
    public int FollowersOfOne => Math.Max(1, Followers / 2);

    /// <summary>A quarter for connections, a quarter for followers; the rest is the jobs'.</summary>
    public static ServerLimits Of(long descriptors)
    {
        var quarter = (int)Math.Clamp(descriptors / 4, 1, int.MaxValue);
        return new(Math.Min(quarter, MostConnections), quarter);
    }

    /// <summary>The same for this process as it is limited now.</summary>
    public static ServerLimits OfThisProcess() => Of(ReadDescriptors(File.ReadAllText("/proc/self/limits")));

    /// <summary>The soft limit of open files (proc_pid_limits(5)).</summary>
    public static long ReadDescriptors(string limits)
    {
        const string Name = "Max open files";
        var line = limits.Split('\n').Single(line => line.StartsWith(Name, StringComparison.Ordinal));
        var soft = line[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        return soft == "unlimited" ? long.MaxValue : long.Parse(soft, System.Globalization.CultureInfo.InvariantCulture);
    }
}
