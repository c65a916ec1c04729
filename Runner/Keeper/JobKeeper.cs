using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>
/// Parent of every job and of every orphan a job leaves: starts them, holds what has to outlive a server, and knows how
/// each went. What a server has not taken note of is told to the next one.
/// </summary>
sealed class JobKeeper
{
    private readonly Lock _lock = new();
    private readonly Dictionary<JobId, KeptJob> _jobs = [];
    private readonly Dictionary<int, KeptJob> _byPid = [];
    private readonly object _born = new();
    private long _births;
    private MessageSocket? _line;
    private int _server;
    private TaskCompletionSource<KeptExit> _serverGone = new();

    public JobKeeper() => new Thread(ReapForever) { Name = "reaper", IsBackground = true }.Start();

    /// <summary>Starts a server, which is told all that is kept and everything that happens from now on.</summary>
    /// <param name="order">The server.</param>
    /// <param name="line">The keeper's end of the line to it.</param>
    /// <param name="socket">The listening socket of the server before it; null: there was none.</param>
    /// <returns>Its pidfd, and how it will have gone.</returns>
    public (Fd Pidfd, Task<KeptExit> Gone) StartServer(SpawnOrder order, MessageSocket line, Fd? socket)
    {
        KeptJob[] kept;
        SpawnedProcess server;
        lock (_lock)
        {
            // Under the lock, as every start: nobody looks for whom a process belongs to until that is written down.
            server = Spawner.Spawn(order);
            (_server, _serverGone, _line) = (server.Pid, new(TaskCreationOptions.RunContinuationsAsynchronously), line);
            kept = [.. _jobs.Values];
        }
        TellBirth();
        if (socket is not null) line.Send(Messages.Plain(MessageKind.KeptSocket), socket);
        foreach (var job in kept) Tell(line, job);
        line.Send(Messages.Plain(MessageKind.AllKept));
        return (server.Pidfd, _serverGone.Task);
    }

    /// <summary>Starts a job's program. The descriptors to be kept are its own from now on, if it starts.</summary>
    /// <exception cref="SpawnException">It did not; nothing of it is left.</exception>
    public SpawnedProcess Start(JobId id, SpawnOrder order, IReadOnlyList<Fd> keep)
    {
        SpawnedProcess spawned;
        lock (_lock)
        {
            spawned = Spawner.Spawn(order);
            var job = new KeptJob(id, spawned, keep);
            _jobs.Add(id, job);
            _byPid.Add(spawned.Pid, job);
        }
        TellBirth();
        return spawned;
    }

    /// <summary>Lets go of a job whose end is stored.</summary>
    public void Forget(JobId id)
    {
        KeptJob? job;
        lock (_lock)
        {
            if (!_jobs.Remove(id, out job)) return;
            if (job.Exit is null) _byPid.Remove(job.Process.Pid);
        }
        job.Dispose();
    }

    private static void Tell(MessageSocket line, KeptJob job)
    {
        line.Send(Messages.Kept(job.Id, job.Process.Pid), [job.Process.Pidfd, .. job.Held]);
        if (job.Exit is { } exit) line.Send(Messages.Gone(job.Id, exit));
    }

    private void TellBirth()
    {
        lock (_born)
        {
            _births++;
            Monitor.PulseAll(_born);
        }
    }

    private void ReapForever()
    {
        while (true)
        {
            var births = Volatile.Read(ref _births);

            // Looked at but not taken: until it is, its number is nobody else's.
            if (!ChildWait.Next(out var pid))
            {
                lock (_born)
                    while (_births == births) Monitor.Wait(_born);
                continue;
            }
            KeptJob? job;
            KeptExit exit;
            MessageSocket? line;
            lock (_lock)
            {
                if (!ChildWait.Take(pid, out exit)) continue; // a start that failed, which is taken where it was tried
                line = _line;
                if (pid == _server) _serverGone.SetResult(exit);
                if (!_byPid.Remove(pid, out job)) continue; // an orphan of some job
                job.Exit = exit;
            }

            // Outside the lock: a server that does not read holds up nobody but this thread.
            try
            {
                line?.Send(Messages.Gone(job.Id, exit));
            }
            catch (ObjectDisposedException)
            {
                // That server has gone too: the next one is told.
            }
        }
    }

    /// <summary>A job's process and what is held for it.</summary>
    private sealed class KeptJob(JobId id, SpawnedProcess process, IReadOnlyList<Fd> held) : IDisposable
    {
        public JobId Id { get; } = id;
        public SpawnedProcess Process { get; } = process;

        /// <summary>The ends of its pipes that a server reads.</summary>
        public IReadOnlyList<Fd> Held { get; } = held;

        /// <summary>Null: it runs.</summary>
        public KeptExit? Exit { get; set; }

        public void Dispose()
        {
            Process.Pidfd.Dispose();
            foreach (var fd in Held) fd.Dispose();
        }
    }
}
