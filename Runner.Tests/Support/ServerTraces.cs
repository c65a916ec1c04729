namespace Runner.Tests.Support;

/// <summary>What a server holds of the machine at one moment. Kinds and not one sum, so that a failure says what was kept.</summary>
/// <param name="Zombies">Children that nobody collected.</param>
/// <param name="Cgroups">Of jobs.</param>
/// <param name="Files">In the state directory, without the jobs' own.</param>
/// <param name="Descriptors">How many of each kind.</param>
/// <param name="Threads">How many.</param>
/// <param name="Memory">Bytes of its own, not of files.</param>
sealed record ServerTraces(string Zombies, string Cgroups, string Files, string Descriptors, int Threads, long Memory)
{
    public static ServerTraces Of(LiveServer server) => new(
        string.Join(' ', Processes.ZombiesOf(server.Id)),
        string.Join('\n', server.Cgroups().SelectMany(Directory.GetDirectories)),
        string.Join('\n', Directory.GetFiles(server.State).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)),
        DescriptorsOf(server.Id),
        (int)Status(server.Id, "Threads:"),
        Status(server.Id, "RssAnon:") * 1024);

    /// <summary>The same once nothing of it changes: the connection of a client that has gone is closed at its next turn.</summary>
    public static async Task<ServerTraces> OfIdleAsync(LiveServer server)
    {
        for (var before = Of(server); ;)
        {
            await Task.Delay(200, TestContext.Current.CancellationToken);
            var now = Of(server);
            if (before.Descriptors == now.Descriptors && before.Zombies == now.Zombies) return now;
            before = now;
        }
    }

    /// <summary>How many of each kind a process has.</summary>
    public static string DescriptorsOf(int process) => string.Join('\n', Directory.GetFiles($"/proc/{process}/fd")
        .Select(Kind)
        .CountBy(kind => kind).OrderBy(kind => kind.Key, StringComparer.Ordinal).Select(kind => $"{kind.Value} {kind.Key}"));

    /// <summary>Waits until it holds no more of anything than before; fails with what it still holds.</summary>
    /// <param name="server">Whose.</param>
    /// <param name="before">What it may hold; of the pool's threads some more, which leave only after a while.</param>
    /// <param name="growth">How much more memory it may have.</param>
    public static async Task<ServerTraces> AssertAsBeforeAsync(LiveServer server, ServerTraces before, long growth)
    {
        const int MoreThreads = 20;
        var now = Of(server);
        for (var look = 0; look < 200 && now with { Threads = 0, Memory = 0 } != before with { Threads = 0, Memory = 0 }; look++)
        {
            // A connection that was cut is closed at its next turn, which nothing tells.
            await Task.Delay(100, TestContext.Current.CancellationToken);
            now = Of(server);
        }
        Assert.Equal(before with { Threads = 0, Memory = 0 }, now with { Threads = 0, Memory = 0 });
        Assert.InRange(now.Threads, 1, before.Threads + MoreThreads);
        Assert.InRange(now.Memory, 0, before.Memory + growth);
        return now;
    }

    private static string Kind(string file)
    {
        try
        {
            return File.ResolveLinkTarget(file, returnFinalTarget: false)?.Name.Split(':')[0] ?? "gone";
        }
        catch (FileNotFoundException)
        {
            return "gone";
        }
    }

    private static long Status(int process, string key) =>
        long.Parse(File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith(key, StringComparison.Ordinal))[key.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(),
            System.Globalization.CultureInfo.InvariantCulture);
}
