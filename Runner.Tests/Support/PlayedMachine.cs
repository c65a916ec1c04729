using Runner.Jobs;
using Runner.Output;

namespace Runner.Tests.Support;

/// <summary>
/// A machine at the launcher port and a disk at the store port, on which one server after another lives. What a server that has
/// died still tries has no effect. Complains of what no server may ever do.
/// </summary>
sealed class PlayedMachine
{
    private readonly Lock _lock = new();
    private readonly Dictionary<JobId, PlayedProcess> _held = [];
    private readonly Dictionary<JobId, JobRecord> _rows = [];
    private readonly Dictionary<JobId, EndingPlan> _endings = [];
    private readonly HashSet<JobId> _discarded = [];
    private readonly HashSet<JobId> _synced = [];

    /// <summary>Every process there ever was, the last of each job.</summary>
    public Dictionary<JobId, PlayedProcess> Processes { get; } = [];

    /// <summary>What was done that must not be.</summary>
    public List<string> Complaints { get; } = [];

    /// <summary>The first cause that was stored of each job.</summary>
    public Dictionary<JobId, EndCause> Causes { get; } = [];

    public Manner Manner { get; set; } = Manner.Obeys;

    public JobRecord? Row(JobId id)
    {
        lock (_lock) return _rows.GetValueOrDefault(id);
    }

    public IReadOnlyList<JobRecord> Rows()
    {
        lock (_lock) return [.. _rows.Values];
    }

    /// <summary>Processes that live.</summary>
    public IReadOnlyList<JobId> Living()
    {
        lock (_lock) return [.. Processes.Where(entry => !entry.Value.HasExited).Select(entry => entry.Key)];
    }

    /// <summary>Lets go of a process that nobody holds for the next server: it lives, and nobody will learn how it goes.</summary>
    public void Drop(JobId id)
    {
        lock (_lock) _held.Remove(id);
    }

    /// <summary>One server's view of the machine and of the disk. It dies where it is told to.</summary>
    public sealed class Server(PlayedMachine machine) : IJobLauncher, IJobStore
    {
        private volatile bool _isDead;

        public bool IsDead => _isDead;

        /// <summary>The next step of the store at which it dies; and whether that is stored before.</summary>
        public (string Step, bool Stored)? DiesAt { get; set; }

        public void Die() => _isDead = true;

        public IReadOnlyList<JobId> Kept
        {
            get
            {
                lock (machine._lock) return [.. machine._held.Keys];
            }
        }

        public IJobProcess Launch(JobId id, JobSpec spec) => Do(() =>
        {
            if (machine._rows.ContainsKey(id)) machine.Complaints.Add($"{id} is started though it is stored");
            if (machine._held.ContainsKey(id)) machine.Complaints.Add($"{id} is started though its process is there");
            var process = new PlayedProcess(machine.Manner);
            machine.Processes[id] = machine._held[id] = process;
            machine._synced.Remove(id);
            return new Seen(this, machine, id, process);
        });

        public IJobProcess Adopt(JobId id, ResourceLimits applied) => Do(() => new Seen(this, machine, id, machine._held[id]));

        public ResourceUsage LeftUsage(JobId id) => ResourceUsage.None;

        public IReadOnlyList<JobId> CleanLeftovers(IReadOnlySet<JobId> adopted) => Do(() =>
        {
            var left = machine.Processes.Where(entry => !adopted.Contains(entry.Key)).ToList();
            foreach (var (_, process) in left) process.Kill();
            return left.Select(entry => entry.Key).ToList();
        });

        public void LetGo(IReadOnlySet<JobId> adopted) => Do(() =>
        {
            foreach (var id in machine._held.Keys.Where(id => !adopted.Contains(id)).ToList())
            {
                if (machine._rows.TryGetValue(id, out var row) && row.State is JobState.Running) machine.Complaints.Add($"{id} is let go of before its end is stored");
                machine._held.Remove(id);
            }
            return true;
        });

        public void Discard(JobId id) => Do(() =>
        {
            if (machine._rows.ContainsKey(id)) machine.Complaints.Add($"the output of {id} is thrown away though it is stored");
            return machine._discarded.Add(id);
        });

        public Task<bool> SyncAsync(JobId id) => Do(() =>
        {
            machine._synced.Add(id);
            return Task.FromResult(false);
        });

        public OutputLog LeftOutput(JobId id, OutputKind kind, bool afterPowerCut) => StoredOutput(id, kind, 0);

        public OutputLog StoredOutput(JobId id, OutputKind kind, long length, KeptOutput? kept = null) => new(() => throw new NotSupportedException(), length, complete: true);

        public OutputLog StoredIndex(JobId id) => StoredOutput(id, OutputKind.Stdout, 0);

        public void Insert(JobRecord record) => Store("insert", () =>
        {
            if (!machine._rows.TryAdd(record.Id, record)) machine.Complaints.Add($"{record.Id} is stored twice");
        });

        public void RecordEnd(JobRecord record) => Store("end", () =>
        {
            if (machine._rows[record.Id].State is JobState.Ended) machine.Complaints.Add($"{record.Id} ends twice");
            if (!machine._synced.Contains(record.Id)) machine.Complaints.Add($"the end of {record.Id} is stored before its output is on the disk");
            machine._rows[record.Id] = record;
        });

        public void RecordEnding(JobId id, EndingPlan plan) => Store("ending", () =>
        {
            machine._endings[id] = plan;
            machine.Causes.TryAdd(id, plan.Cause);
        });

        public JobRecord? Find(JobId id) => Do(() => machine._rows.GetValueOrDefault(id));

        public JobPage List(JobFilter filter, JobPlace? before, int count) => throw new NotSupportedException();

        public void Pin(JobId id, bool pinned) => throw new NotSupportedException();

        public IReadOnlyList<(JobRecord Record, EndingPlan? Ending)> Unended() => Do(() =>
            machine._rows.Values.Where(row => row.State is JobState.Running).Select(row => (row, machine._endings.GetValueOrDefault(row.Id))).ToList());

        private void Store(string step, Action change)
        {
            Do(() =>
            {
                if (DiesAt is { } dies && dies.Step == step)
                {
                    if (dies.Stored) change();
                    _isDead = true;
                    throw new ServerDiedException();
                }
                change();
                return true;
            });
        }

        private T Do<T>(Func<T> step)
        {
            lock (machine._lock) return _isDead ? throw new ServerDiedException() : step();
        }

        /// <summary>A process as one server sees it.</summary>
        private sealed class Seen(Server server, PlayedMachine machine, JobId id, PlayedProcess process) : IJobProcess
        {
            public int Pid => process.Pid;
            public TimeSpan? Age => null;
            public ResourceLimits Applied => process.Applied;
            public OutputLog Stdout { get; } = new(() => throw new NotSupportedException());
            public OutputLog Stderr { get; } = new(() => throw new NotSupportedException());
            public OutputLog Index { get; } = new(() => throw new NotSupportedException());
            public Task<ProcessExit> Exited => process.Exited;
            public DateTimeOffset? ExitedAt => null;
            public int? LeftoverProcesses => 0;
            public string? HeldBack => null;
            public bool HeldOpen => process.HeldOpen;
            public bool DiskFailed => process.DiskFailed;
            public Task OutputLimitPassed => process.OutputLimitPassed;

            public void Signal(int signal, bool wake) => server.Do(() => { process.Signal(signal, wake); return true; });

            public bool SignalMain(int signal) => server.Do(() => process.SignalMain(signal));

            public void Kill() => server.Do(() => { process.Kill(); return true; });

            public Task SettleAsync() => server.Do(() => Task.CompletedTask);

            public Task SyncAsync() => server.SyncAsync(id);

            public ResourceUsage ReadUsage(bool settled) => ResourceUsage.None;

            public OomReach OomReach(ProcessExit exit, ResourceUsage usage) => Runner.Jobs.OomReach.None;

            public void Dispose() => server.Do(() =>
            {
                if (machine._held.GetValueOrDefault(id) == process) machine._held.Remove(id);
                return true;
            });
        }
    }
}

/// <summary>The server that tries this has died.</summary>
sealed class ServerDiedException() : Exception("this server has died");
