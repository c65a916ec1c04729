using Microsoft.Extensions.Logging;
using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Linux.Native;
using Runner.Output;

namespace Runner.Linux.Processes;

/// <summary>Starts jobs on this machine: cgroup, pipes, files, program. A start that fails leaves none of them.</summary>
sealed class JobLauncher : IJobLauncher, IDisposable
{
    private readonly CgroupTree _cgroups;
    private readonly OutputFiles _files;
    private readonly ILogger _logger;
    private readonly EventLoop _captureLoop;
    private readonly EventLoop _exitLoop;
    private readonly ExitWatch _exits;
    private readonly IJobParent _parent;
    private readonly Fd _nothing;
    private readonly OutputAllowance _output;

    /// <param name="parent">Starts the programs; null: this process.</param>
    /// <param name="mostOutput">Bytes kept of each stream: at most, and of jobs that ask for nothing. Null: no end.</param>
    public JobLauncher(CgroupTree cgroups, OutputFiles files, ILogger<JobLauncher> logger, IJobParent? parent = null, long? mostOutput = null)
    {
        _output = new(mostOutput, files.CanGiveBack);
        (_cgroups, _files, _logger) = (cgroups, files, logger);
        _nothing = Libc.Open("/dev/null", OpenFlags.ReadOnly | OpenFlags.CloseOnExec);

        // Where there is no /dev, an empty pipe whose other end is closed reads as the same end of file.
        if (_nothing.IsInvalid)
        {
            var (read, write) = Pipes.Create();
            write.Dispose();
            _nothing = read;
        }

        // Apart, so that an exit is never told late because of a job that writes a lot.
        _captureLoop = new EventLoop("capture", logger.LoopFailed);
        _exitLoop = new EventLoop("exits", logger.LoopFailed);
        _exits = new ExitWatch(_exitLoop);
        _parent = parent ?? new OwnChildren(_exits);
    }

    public IJobProcess Launch(JobId id, JobSpec spec)
    {
        try
        {
            return Told(() => LaunchOrThrow(id, spec));
        }
        catch (SpawnException e)
        {
            throw SpawnErrors.ToJobError(e, spec);
        }
    }

    public IReadOnlyList<JobId> Kept => [.. _parent.Kept.Select(kept => kept.Id)];

    public IJobProcess Adopt(JobId id, ResourceLimits applied)
    {
        var kept = _parent.Kept.First(kept => kept.Id == id);

        // Not told as what the job was refused: that a disk does not answer ends this server, and no job.
        var files = _files.Reopen(id);
        return Told(() =>
        {
            var cgroup = _cgroups.Find(id.ToString()) ?? throw new JobException(JobError.OsError, $"job {id}: its cgroup is gone");
            cgroup.Born();
            cgroup.Thaw();
            return Watched(id, kept.Process, cgroup, cgroup.OpenOomNotice(), files, kept.Pipes, applied.Output, ProcessAge.Of(kept.Process.Pid));
        });
    }

    public ResourceUsage LeftUsage(JobId id)
    {
        try
        {
            using var cgroup = _cgroups.Find(id.ToString());
            return cgroup?.ReadUsage(isEmpty: true) ?? ResourceUsage.None;
        }
        catch (Exception e) when (e is LinuxException or JobException)
        {
            return ResourceUsage.None;
        }
    }

    public IReadOnlyList<JobId> CleanLeftovers(IReadOnlySet<JobId> adopted)
    {
        var left = _cgroups.CleanLeftovers(name => JobId.TryParse(name, out var id) && !adopted.Contains(id));
        return [.. left.Select(JobId.Parse)];
    }

    public void LetGo(IReadOnlySet<JobId> adopted)
    {
        foreach (var kept in _parent.Kept.Where(kept => !adopted.Contains(kept.Id)))
        {
            _parent.Forget(kept.Id, kept.Process.Pid);
            kept.Dispose();
        }
    }

    public void Discard(JobId id) => _files.Remove(id);

    public OutputLog StoredOutput(JobId id, OutputKind kind, long length, KeptOutput? kept) => _files.Complete(id, kind, length, kept);

    public OutputLog LeftOutput(JobId id, OutputKind kind, bool afterPowerCut) => _files.Left(id, kind, afterPowerCut);

    public Task<bool> SyncAsync(JobId id) => _files.SyncAsync(id);

    public OutputLog StoredIndex(JobId id) => _files.CompleteIndex(id);

    public void Dispose()
    {
        _captureLoop.Dispose();
        _exitLoop.Dispose();
        _nothing.Dispose();
    }

    /// <summary>What the machine refuses, as jobs' callers are told it.</summary>
    private static JobProcess Told(Func<JobProcess> step)
    {
        try
        {
            return step();
        }
        catch (LinuxException e)
        {
            throw SpawnErrors.ToJobError(e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw SpawnErrors.ToJobError(e);
        }
    }

    private JobProcess Watched(
        JobId id, StartedProcess process, JobCgroup cgroup, Fd? oomNotice, CaptureFiles files, IReadOnlyList<Fd> pipes, OutputLimit? output, TimeSpan? age) =>
        new(process, () => _parent.Forget(id, process.Pid), cgroup, oomNotice, _exits, new JobCapture(_captureLoop, id, files, pipes, output?.ToCap(), _logger), output, age);

    private JobProcess LaunchOrThrow(JobId id, JobSpec spec)
    {
        var output = _output.Grant(spec.Limits.Output);
        var envp = JobEnvironment.For(id, spec.Env);
        var program = ProgramPath.Resolve(spec.Command, JobEnvironment.PathOf(spec.Env));
        var undo = new Stack<Action>();
        try
        {
            var cgroup = _cgroups.Create(id.ToString(), spec.Limits);
            undo.Push(() => { cgroup.Remove(); cgroup.Dispose(); });

            // Of a server that was killed in the middle of a start with this id: what is there would be taken for this job's.
            _files.Remove(id);
            var oomNotice = cgroup.OpenOomNotice() is { } notice ? Owned(notice) : null;

            // One after the other: where there is no second pipe, the first is closed.
            var (outRead, outWrite) = Pipes.CreateForJob();
            using var outEnd = outWrite;
            Owned(outRead);
            var (errRead, errWrite) = spec.MergeOutput ? default : Pipes.CreateForJob();
            using var errEnd = errWrite;
            Fd[] pipes = errRead is null ? [outRead] : [outRead, Owned(errRead)];
            var order = new SpawnOrder(
                program, [spec.Command, .. spec.Args], envp, spec.WorkingDirectory,
                cgroup.Directory, cgroup.TaskFiles, (_nothing, outWrite, errWrite ?? outWrite));
            var process = _parent.Start(id, order, pipes);
            cgroup.Born();
            return Watched(id, process, cgroup, oomNotice, _files.New(id), pipes, output, TimeSpan.Zero);
        }
        catch
        {
            while (undo.TryPop(out var step)) Undo(step);
            throw;
        }

        void Undo(Action step)
        {
            try
            {
                step();
            }
            catch (Exception e)
            {
                // The others must still be undone, and the caller is to learn what failed first.
                _logger.NotUndone(e, id);
            }
        }

        Fd Owned(Fd fd)
        {
            undo.Push(fd.Dispose);
            return fd;
        }
    }
}
