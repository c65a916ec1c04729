namespace Runner.Tests.Support;

/// <summary>What a keeper, its server and their jobs hold of the machine at one moment.</summary>
sealed record KeptTraces(string Zombies, string Children, string Cgroups, string Files, string KeeperDescriptors, string ServerDescriptors)
{
    public static KeptTraces Of(LiveServer server)
    {
        var serving = KeptServer.Find(server.KeeperId);
        return new(
            string.Join(' ', Processes.ZombiesOf(server.KeeperId)),
            string.Join(' ', KeptServer.ChildrenOf(server.KeeperId).Where(child => child != serving)),
            string.Join('\n', server.Cgroups().SelectMany(Directory.GetDirectories)),
            string.Join('\n', Directory.GetFiles(server.State).Select(Path.GetFileName).Order(StringComparer.Ordinal)),
            ServerTraces.DescriptorsOf(server.KeeperId),
            serving is { } process ? ServerTraces.DescriptorsOf(process) : "no server");
    }

    /// <summary>When the connections of those who called just now are closed, which nothing tells: two looks see the same.</summary>
    public static async Task<KeptTraces> SettledAsync(LiveServer server)
    {
        while (true)
        {
            var before = Of(server);
            await Task.Delay(500, TestContext.Current.CancellationToken);
            if (Of(server) == before) return before;
        }
    }

    /// <summary>Waits until they hold no more of anything than before; fails with what they still hold.</summary>
    public static async Task AssertAsBeforeAsync(LiveServer server, KeptTraces before)
    {
        var now = Of(server);
        for (var look = 0; look < 200 && now != before; look++)
        {
            // A connection that was cut is closed at its next turn, which nothing tells.
            await Task.Delay(100, TestContext.Current.CancellationToken);
            now = Of(server);
        }
        Assert.Equal(before, now);
    }
}
