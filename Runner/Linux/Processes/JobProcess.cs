using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Output;

namespace Runner.Linux.Processes;

/// <summary>A job's processes, its cgroup and the capture of its two streams.</summary>
sealed class JobProcess : IJobProcess
{
    private readonly JobCgroup _cgroup;
    private readonly ExitWatch _exits;
    private readonly (OutputLog Log, StreamCapture Capture) _stdout;
    private readonly (OutputLog Log, StreamCapture Capture) _stderr;

    public JobProcess(
        SpawnedProcess spawned, JobCgroup cgroup, ExitWatch exits,
        (OutputLog Log, StreamCapture Capture) stdout, (OutputLog Log, StreamCapture Capture) stderr)
    {
        (_cgroup, _exits, _stdout, _stderr) = (cgroup, exits, stdout, stderr);
        Pid = spawned.Pid;
        Exited = exits.WhenExited(spawned.Pidfd);
        stdout.Capture.Start();
        stderr.Capture.Start();
    }

    public int Pid { get; }
    public ResourceLimits Applied => _cgroup.Applied;
    public OutputLog Stdout => _stdout.Log;
    public OutputLog Stderr => _stderr.Log;
    public Task<ProcessExit> Exited { get; }

    public void Signal(int signal) => _cgroup.Signal(signal);

    public void Kill() => _cgroup.Kill();

    public async Task SettleAsync()
    {
        if (_cgroup.IsPopulated())
        {
            _cgroup.Kill();
            await _exits.WhenCgroup(_cgroup.Events, () => !_cgroup.ReadEvents()).ConfigureAwait(false);
        }

        // An exiting process closes its descriptors before it leaves its cgroup (do_exit, kernel/exit.c): what the job
        // wrote is in its pipes by now.
        await Task.WhenAll(_stdout.Capture.FinishAsync(), _stderr.Capture.FinishAsync()).ConfigureAwait(false);
    }

    public ResourceUsage ReadUsage() => _cgroup.ReadUsage();

    public void Dispose()
    {
        _cgroup.Remove();
        _cgroup.Dispose();
    }
}
