using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Linux.Native;
using Runner.Output;

namespace Runner.Linux.Processes;

/// <summary>A job's processes, its cgroup and the capture of its two streams.</summary>
sealed class JobProcess : IJobProcess
{
    private readonly JobCgroup _cgroup;
    private readonly ExitWatch _exits;
    private readonly (OutputLog Log, StreamCapture Capture) _stdout;
    private readonly (OutputLog Log, StreamCapture Capture) _stderr;
    private readonly Fd? _oomNotice;
    private volatile bool _oomNoticed;

    public JobProcess(
        SpawnedProcess spawned, JobCgroup cgroup, Fd? oomNotice, ExitWatch exits,
        (OutputLog Log, StreamCapture Capture) stdout, (OutputLog Log, StreamCapture Capture) stderr)
    {
        (_cgroup, _oomNotice, _exits, _stdout, _stderr) = (cgroup, oomNotice, exits, stdout, stderr);
        Pid = spawned.Pid;
        Exited = exits.WhenExited(spawned.Pidfd);
        stdout.Capture.Start();
        stderr.Capture.Start();
        if (oomNotice is not null) exits.OnReadable(oomNotice, TakeWholeJob);
    }

    public int Pid { get; }
    public ResourceLimits Applied => _cgroup.Applied;
    public OutputLog Stdout => _stdout.Log;
    public OutputLog Stderr => _stderr.Log;
    public Task<ProcessExit> Exited { get; }

    public void Signal(int signal) => _cgroup.Signal(signal);

    public void Kill() => _cgroup.Kill();

    // As memory.oom.group does in v2: half a job is of no use to anybody.
    private void TakeWholeJob()
    {
        _oomNoticed = true;
        _cgroup.Kill();
    }

    public async Task SettleAsync()
    {
        // By a descriptor that is open already: this must work where no other can be opened.
        if (_cgroup.ReadEvents())
        {
            _cgroup.Kill();
            await _exits.WhenCgroup(_cgroup.Events, () => !_cgroup.ReadEvents()).ConfigureAwait(false);
        }

        // An exiting process closes its descriptors before it leaves its cgroup (do_exit, kernel/exit.c): what the job
        // wrote is in its pipes by now.
        await Task.WhenAll(_stdout.Capture.FinishAsync(), _stderr.Capture.FinishAsync()).ConfigureAwait(false);
    }

    public ResourceUsage ReadUsage()
    {
        ResourceUsage usage;
        try
        {
            usage = _cgroup.ReadUsage();
        }
        catch (LinuxException e)
        {
            throw SpawnErrors.ToJobError(e); // whoever asks is told, such as of a want of descriptors
        }

        // The notice comes before the kernel has chosen its victim; where our kill was faster, it did not count one.
        return _oomNoticed && usage.OomKills is null or 0 ? usage with { OomKills = 1 } : usage;
    }

    public bool HitMemoryLimit(ResourceUsage usage) => _oomNoticed || usage.OomKills > 0 && Applied.MemoryBytes is not null;

    public void Dispose()
    {
        if (_oomNotice is not null) _exits.Forget(_oomNotice);
        _cgroup.Remove();
        _cgroup.Dispose();
    }
}
