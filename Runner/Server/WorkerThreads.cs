namespace Runner.Server;

/// <summary>
/// All threads of the pool, made at the start and kept (ThreadTimeoutMs in Runner.csproj): the runtime does not survive that
/// one it wants later cannot be made, as on a machine at the end of its processes.
/// </summary>
static class WorkerThreads
{
    private const int Least = 16;
    private const int OfEachCore = 4;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>How many there are.</summary>
    public static int Count { get; } = Math.Max(Least, OfEachCore * Environment.ProcessorCount);

    /// <summary>Returns when they are there.</summary>
    public static void Prepare()
    {
        var count = Count;
        ThreadPool.GetMaxThreads(out _, out var most);
        ThreadPool.GetMinThreads(out _, out var least);
        if (!ThreadPool.SetMaxThreads(count, most) || !ThreadPool.SetMinThreads(count, least)) throw new InvalidOperationException($"the pool cannot have {count} threads");

        // Each waits for the last one, so that none does the work of two.
        var all = new CountdownEvent(count);
        for (var i = 0; i < count; i++)
            ThreadPool.UnsafeQueueUserWorkItem(_ => { all.Signal(); all.Wait(s_patience); }, null);
        all.Wait(s_patience);
    }
}
