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
    private readonly Fd _nothing;

    public JobLauncher(CgroupTree cgroups, OutputFiles files, ILogger<JobLauncher> logger)
    {
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
    }

    public IJobProcess Launch(JobId id, JobSpec spec)
    {
        try
        {
            return LaunchOrThrow(id, spec);
        }
        catch (SpawnException e)
        {
            throw SpawnErrors.ToJobError(e, spec);
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

    public void CleanLeftovers()
    {
        foreach (var name in _cgroups.CleanLeftovers(name => JobId.TryParse(name, out _))) _logger.LeftoverRemoved(name);
    }

    public void Discard(JobId id) => _files.Remove(id);

    public OutputLog StoredOutput(JobId id, OutputKind kind, long? length) => _files.Complete(id, kind, length);

    public OutputLog StoredIndex(JobId id) => _files.CompleteIndex(id);

    public void Dispose()
    {
        _captureLoop.Dispose();
        _exitLoop.Dispose();
        _nothing.Dispose();
    }

    private JobProcess LaunchOrThrow(JobId id, JobSpec spec)
    {
        var envp = JobEnvironment.For(id, spec.Env);
        var program = ProgramPath.Resolve(spec.Command, JobEnvironment.PathOf(spec.Env));
        var undo = new Stack<Action>();
        try
        {
            var cgroup = _cgroups.Create(id.ToString(), spec.Limits);
            undo.Push(() => { cgroup.Remove(); cgroup.Dispose(); });

            // Of a server that was killed in the middle of a start with this id: what is there would hold the job back for ever.
            _files.Remove(id);
            var oomNotice = cgroup.OpenOomNotice() is { } notice ? Owned(notice) : null;

            // One after the other: where there is no second pipe, the first is closed.
            var (outRead, outWrite) = Pipes.CreateForJob();
            using var outEnd = outWrite;
            Owned(outRead);
            var (errRead, errWrite) = spec.MergeOutput ? default : Pipes.CreateForJob();
            using var errEnd = errWrite;
            if (errRead is not null) Owned(errRead);
            var spawned = Spawner.Spawn(
                program, [spec.Command, .. spec.Args], envp, spec.WorkingDirectory,
                cgroup.Directory, cgroup.TaskFiles, (_nothing, outWrite, errWrite ?? outWrite));

            cgroup.Born();

            var stdout = _files.Growing(id, OutputKind.Stdout);
            var stderr = _files.Growing(id, OutputKind.Stderr);
            var index = _files.GrowingIndex(id);
            var writer = new IndexWriter(_files.NewIndex(id), index);
            List<StreamCapture> captures = [new(_captureLoop, outRead, _files.New(id, OutputKind.Stdout), OutputKind.Stdout, stdout, writer, HeldBack, GoingOn)];
            if (errRead is not null) captures.Add(new(_captureLoop, errRead, _files.New(id, OutputKind.Stderr), OutputKind.Stderr, stderr, writer, HeldBack, GoingOn));
            return new JobProcess(spawned, cgroup, oomNotice, _exits, (stdout, stderr, index), captures, writer);
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

        void HeldBack(LinuxException e) => _logger.OutputHeldBack(id, e.Message);

        void GoingOn() => _logger.OutputGoesOn(id);

        Fd Owned(Fd fd)
        {
            undo.Push(fd.Dispose);
            return fd;
        }
    }
}
