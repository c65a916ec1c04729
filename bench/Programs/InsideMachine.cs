using Microsoft.Extensions.Logging.Abstractions;
using Runner.Access;
using Runner.Bench.Measuring;
using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Linux.Cgroups.V1;
using Runner.Linux.Cgroups.V2;
using Runner.Linux.Processes;
using Runner.Store;

namespace Runner.Bench.Programs;

/// <summary>The inside of a server in this process: launcher, registry and store on this machine's kernel and disk, and
/// the floor program beside them in the same subtree of cgroups.</summary>
sealed class InsideMachine : IDisposable
{
    private static readonly Caller s_caller = new("bench", Role.Admin);

    private readonly BenchFolder _folder = new();
    private readonly CgroupPlace _place = new();
    private readonly CgroupTree _tree;
    private readonly JobLauncher _launcher;
    private readonly SqliteJobStore _store;
    private readonly JobRegistry _jobs;

    public InsideMachine()
    {
        _tree = CgroupTree.Open(_place.Name);
        _launcher = new JobLauncher(_tree, new OutputFiles(_folder.Path), NullLogger<JobLauncher>.Instance);
        _store = new SqliteJobStore(_folder.At("runner.db"));
        _jobs = new JobRegistry(_store, _launcher, 1000, TimeProvider.System, NullLogger<JobRegistry>.Instance);
    }

    /// <summary>The launcher alone.</summary>
    /// <returns>Microseconds until the program was exec'd, and until nothing was left of it.</returns>
    public async Task<(double Exec, double Total)> LaunchAsync(ResourceLimits limits)
    {
        var id = JobId.New();
        var begin = Clock.Now;
        var process = _launcher.Launch(id, new JobSpec { Command = "/bin/true", Limits = limits });
        var exec = Clock.MicrosecondsSince(begin);
        await process.Exited.ConfigureAwait(false);
        await process.SettleAsync().ConfigureAwait(false);
        process.Dispose();
        var total = Clock.MicrosecondsSince(begin);
        _launcher.Discard(id);
        return (exec, total);
    }

    /// <summary>The whole of it: start, record, exec, end, record.</summary>
    public async Task RunAsync(ResourceLimits limits) =>
        await _jobs.Start(JobId.New(), new JobSpec { Command = "/bin/true", Limits = limits }, s_caller).Ended.ConfigureAwait(false);

    /// <summary>The floor program, told of the directories that a job under these limits has here and of what is written to them.</summary>
    /// <param name="program">floor/start.c.</param>
    /// <param name="limits">The same as the job's.</param>
    /// <param name="record">Whether it makes two records durable for each start, on the same disk.</param>
    /// <param name="output">Whether it makes pipes and files for each start too, in the same file system.</param>
    public StartFloor Floor(string program, ResourceLimits limits, bool record = false, bool output = false)
    {
        var args = new List<string> { record ? _folder.At($"floor-{Guid.NewGuid():N}") : "-", output ? _folder.Path : "-" };
        var v2 = CgroupMounts.OfThisProcess().V2!.Path;
        foreach (var directory in _tree.Controllers.GroupBy(controller => controller.Path))
        {
            var isV2 = directory.Key.StartsWith(v2 + "/", StringComparison.Ordinal);
            var controllers = directory.Select(controller => Known(controller.Controller, isV2)).ToList();
            if (!isV2 && !controllers.Any(controller => controller.IsNeeded(limits))) continue;
            args.Add(directory.Key);
            args.AddRange(controllers.SelectMany(controller => controller.ToFiles(limits))
                .Where(file => !file.IfPresent || File.Exists($"{directory.Key}/{file.File}"))
                .Select(file => $"{file.File}={file.Text}"));
        }
        return new StartFloor(Child.Talk(program, [.. args]));
    }

    public void Dispose()
    {
        _jobs.ShutdownAsync(TimeSpan.Zero).Wait(TimeSpan.FromSeconds(60));
        _store.Dispose();
        _launcher.Dispose();
        _place.Dispose();
        _folder.Dispose();
    }

    private static Controller Known(string name, bool isV2) => (name, isV2) switch
    {
        ("core", _) => new CoreV2(),
        ("cpu", true) => new CpuV2(),
        ("cpu", false) => new CpuV1(),
        ("memory", true) => new MemoryV2(),
        ("memory", false) => new MemoryV1(),
        ("pids", _) => new Pids(),
        ("io", _) => new IoV2(),
        ("blkio", _) => new BlkioV1(),
        _ => throw new BenchException($"no floor is known for the controller {name}"),
    };
}
