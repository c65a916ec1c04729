using Microsoft.Extensions.Logging.Abstractions;
using Runner.Access;
using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Linux.Processes;
using Runner.Output;
using Runner.Store;

namespace Runner.Tests.Support;

/// <summary>The real thing without a wire: registry, store and kernel, in a folder and a cgroup subtree of their own.</summary>
sealed class Machine : IDisposable
{
    public static readonly Caller Admin = new("admin", Role.Admin);

    private readonly CgroupTree _tree;
    private readonly JobLauncher _launcher;
    private readonly SqliteJobStore _store;

    /// <param name="between">What stands between the jobs and the store.</param>
    /// <param name="mostRunning">Most jobs at once.</param>
    /// <param name="disk">What is told of the disk to the jobs; null: nothing.</param>
    /// <param name="mostOutput">Bytes kept of each stream; null: no end.</param>
    public Machine(Func<IJobStore, IJobStore>? between = null, int mostRunning = 1000, IStateDisk? disk = null, long? mostOutput = null)
    {
        Folder = Directory.CreateTempSubdirectory("runner-test-").FullName;
        CgroupName = $"runner-test-{Guid.NewGuid():N}";
        _tree = CgroupTree.Open(CgroupName);
        _launcher = new JobLauncher(_tree, new OutputFiles(Folder, disk as StateDisk), NullLogger<JobLauncher>.Instance, mostOutput: mostOutput);
        _store = new SqliteJobStore(Path.Combine(Folder, "runner.db"));
        Jobs = new JobRegistry(between?.Invoke(_store) ?? _store, _launcher, mostRunning, TimeProvider.System, NullLogger<JobRegistry>.Instance, disk);
        Removal = new JobRemoval(Jobs, _store, _store, _launcher, TimeProvider.System, NullLogger<JobRemoval>.Instance);
    }

    public string Folder { get; }
    public string CgroupName { get; }
    public JobRegistry Jobs { get; }
    public JobRemoval Removal { get; }
    public SqliteJobStore Store => _store;
    public IJobLauncher Launcher => _launcher;

    public Job Start(string command, params string[] args) => Start(new JobSpec { Command = command, Args = args });

    public Job Start(JobSpec spec) => Jobs.Start(JobId.New(), spec, Admin);

    /// <summary>Starts a shell script and waits for its end.</summary>
    public async Task<Job> RunAsync(string script, ResourceLimits? limits = null)
    {
        var job = Start(new JobSpec { Command = "/bin/sh", Args = ["-c", script], Limits = limits ?? ResourceLimits.None });
        await EndAsync(job);
        return job;
    }

    public static async Task<JobState.Ended> EndAsync(Job job)
    {
        await job.Ended.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        return (JobState.Ended)job.Record.State;
    }

    public static JobEnd EndOf(Job job) => ((JobState.Ended)job.Record.State).End;

    /// <summary>The names of the jobs' cgroups there are.</summary>
    public IReadOnlyList<string> Cgroups() => _tree.Names();

    /// <summary>Waits until the job has written a whole line.</summary>
    public static async Task<string> FirstLineAsync(OutputLog log) => (await LinesAsync(log, 1))[0];

    /// <summary>Waits until the job has written so many whole lines.</summary>
    public static async Task<string[]> LinesAsync(OutputLog log, int count)
    {
        using var reader = log.OpenReader();
        var (buffer, filled) = (new byte[4096], 0);
        while (buffer.AsSpan(0, filled).Count((byte)'\n') < count)
        {
            var read = await reader.ReadAsync(filled, buffer.AsMemory(filled), follow: true, TestContext.Current.CancellationToken)
                .AsTask().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            if (read == 0) break;
            filled += read;
        }
        return System.Text.Encoding.UTF8.GetString(buffer, 0, filled).Split('\n')[..count];
    }

    public static async Task<byte[]> ReadAsync(OutputLog log)
    {
        using var reader = log.OpenReader();
        using var all = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await reader.ReadAsync(all.Length, buffer, follow: true, TestContext.Current.CancellationToken) is > 0 and var read)
            all.Write(buffer, 0, read);
        return all.ToArray();
    }

    public static async Task<string> TextAsync(OutputLog log) => System.Text.Encoding.UTF8.GetString(await ReadAsync(log));

    public void Dispose()
    {
        Jobs.ShutdownAsync(TimeSpan.Zero).Wait(TimeSpan.FromSeconds(60));
        _store.Dispose();
        _launcher.Dispose();
        _tree.CleanLeftovers(_ => true);
        _tree.Remove();
        Directory.Delete(Folder, recursive: true);
    }
}
