namespace Runner.Tests.Support;

/// <summary>What a server, its keeper and their jobs hold of the machine at one moment. Kinds and not one sum, so that a failure says what was kept.</summary>
/// <param name="Cgroups">Of jobs.</param>
/// <param name="Files">In the state directory, without the jobs' own.</param>
/// <param name="Children">How many the keeper has: the server, and jobs.</param>
/// <param name="Server">The server's process.</param>
/// <param name="Keeper">The keeper's, which is the parent of jobs and holds their pipes; null: the server has none.</param>
sealed record ServerTraces(IReadOnlyList<string> Cgroups, IReadOnlyList<string> Files, int Children, ProcessTraces Server, ProcessTraces? Keeper)
{
    private static readonly TimeSpan s_limit = Until.Limit;

    /// <summary>What they hold once those who called have been let go of, which nothing tells: two looks see the same.</summary>
    public static async Task<ServerTraces> SettledAsync(LiveServer server)
    {
        var before = Of(server);
        for (var start = Environment.TickCount64; ; )
        {
            await Task.Delay(500, TestContext.Current.CancellationToken);
            var now = Of(server);
            if (now.MoreThan(before).Concat(before.MoreThan(now)).FirstOrDefault() is not { } differs) return now;
            Assert.True(Environment.TickCount64 - start < s_limit.TotalMilliseconds, $"it does not come to rest: {differs}");
            before = now;
        }
    }

    /// <summary>Waits until they hold no more of anything than before; fails with what they still hold.</summary>
    /// <param name="server">Whose.</param>
    /// <param name="before">What they may hold; of the pool's threads some more, which leave only after a while.</param>
    /// <param name="growth">How much more memory each may have.</param>
    public static async Task<ServerTraces> AssertAsBeforeAsync(LiveServer server, ServerTraces before, long growth)
    {
        var now = Of(server);
        for (var start = Environment.TickCount64; now.MoreThan(before).Any() && Environment.TickCount64 - start < s_limit.TotalMilliseconds; now = Of(server))
            await Task.Delay(100, TestContext.Current.CancellationToken); // a connection that was cut is closed at its next turn, which nothing tells
        Assert.Empty(now.MoreThan(before));
        now.Server.AssertGrown(before.Server, growth);
        now.Keeper?.AssertGrown(before.Keeper!, growth);
        return now;
    }

    private static ServerTraces Of(LiveServer server)
    {
        while (true)
        {
            var (keeper, serving) = (server.KeeperId, server.Id);
            try
            {
                return new(
                    [.. server.Cgroups().SelectMany(Directory.GetDirectories)],
                    [.. Directory.GetFiles(server.State).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)],
                    KeptServer.ChildrenOf(keeper).Count,
                    ProcessTraces.Of(serving),
                    keeper == serving ? null : ProcessTraces.Of(keeper));
            }
            catch (IOException) when (server.Id != serving)
            {
                // Another one serves by now.
            }
        }
    }

    private IEnumerable<string> MoreThan(ServerTraces before) =>
    [
        .. Cgroups.Except(before.Cgroups).Select(cgroup => $"cgroup {cgroup}"),
        .. Files.Except(before.Files).Select(file => $"file {file}"),
        .. Children > before.Children ? [$"{Children} children of the keeper, not {before.Children}"] : Array.Empty<string>(),
        .. Server.MoreThan(before.Server).Select(what => $"server: {what}"),
        .. Keeper is { } keeper && before.Keeper is { } earlier ? keeper.MoreThan(earlier).Select(what => $"keeper: {what}") : [],
    ];
}

/// <summary>The same of one process.</summary>
/// <param name="Zombies">Children that nobody collected.</param>
/// <param name="Descriptors">How many of each kind.</param>
/// <param name="Threads">How many.</param>
/// <param name="Memory">Bytes of its own, not of files.</param>
sealed record ProcessTraces(IReadOnlyList<int> Zombies, IReadOnlyDictionary<string, int> Descriptors, int Threads, long Memory)
{
    private const int MoreThreads = 20;

    public static ProcessTraces Of(int process) => new(
        Processes.ZombiesOf(process),
        Directory.GetFiles($"/proc/{process}/fd").CountBy(Kind).ToDictionary(),
        (int)Status(process, "Threads:"),
        Status(process, "RssAnon:") * 1024);

    public IEnumerable<string> MoreThan(ProcessTraces before) =>
    [
        .. Zombies.Except(before.Zombies).Select(zombie => $"zombie {zombie}"),
        .. Descriptors.Where(kind => kind.Value > before.Descriptors.GetValueOrDefault(kind.Key))
            .Select(kind => $"{kind.Value} descriptors of kind {kind.Key}, not {before.Descriptors.GetValueOrDefault(kind.Key)}"),
    ];

    public void AssertGrown(ProcessTraces before, long growth)
    {
        Assert.InRange(Threads, 1, before.Threads + MoreThreads);
        Assert.InRange(Memory, 0, before.Memory + growth);
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
        long.Parse((File.ReadLines($"/proc/{process}/status").FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal))
            ?? throw new IOException($"process {process} has just died"))[key.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(),
            System.Globalization.CultureInfo.InvariantCulture);
}
