using System.Diagnostics;
using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Linux.Cgroups.V1;
using Runner.Linux.Native;
using Runner.Output;

namespace Runner.Linux.Processes;

/// <summary>A job's processes, its cgroup and the capture of its streams.</summary>
sealed class JobProcess : IJobProcess
{
    private readonly JobCgroup _cgroup;
    private readonly ExitWatch _exits;
    private readonly JobCapture _capture;
    private readonly Fd _main;
    private readonly Action _forget;
    private readonly Fd? _oomNotice;
    private volatile bool _oomNoticed;
    private volatile bool _mainSpared;
    private volatile ReapedProcess? _reaped;
    private readonly Lock _oomLock = new();
    private readonly OutputLimit? _output;
    private readonly TimeSpan? _ageBefore;
    private readonly long _since = Stopwatch.GetTimestamp();
    private bool _exitSeen; // under the lock

    public JobProcess(
        StartedProcess process, Action forget, JobCgroup cgroup, Fd? oomNotice, ExitWatch exits, JobCapture capture, OutputLimit? output, TimeSpan? age)
    {
        (_output, _ageBefore) = (output, age);
        (_cgroup, _oomNotice, _exits, _capture) = (cgroup, oomNotice, exits, capture);
        (Pid, _main, _forget) = (process.Pid, process.Pidfd, forget);
        Exited = SeeExitAsync(process.Ended);
        capture.Start();
        if (oomNotice is not null) exits.OnReadable(oomNotice, () => TakeOomNotice(oomNotice));
    }

    public int Pid { get; }
    public TimeSpan? Age => _ageBefore + Stopwatch.GetElapsedTime(_since);
    public ResourceLimits Applied => _cgroup.Applied with { Output = _output };
    public OutputLog Stdout => _capture.Stdout;
    public OutputLog Stderr => _capture.Stderr;
    public OutputLog Index => _capture.Index;
    public string? HeldBack => _capture.HeldBack;
    public Task OutputLimitPassed => _capture.LimitPassed;
    public bool HeldOpen => _capture.HeldOpen;
    public bool DiskFailed => _capture.DiskFailed;
    public Task<ProcessExit> Exited { get; }
    public DateTimeOffset? ExitedAt => _reaped?.At;
    public int? LeftoverProcesses { get; private set; } = 0;

    public void Signal(int signal, bool wake)
    {
        try
        {
            if (signal == Signals.Kill) Kill();
            else _cgroup.Signal(signal, wake);
        }
        catch (LinuxException e)
        {
            throw SpawnErrors.ToJobError(e);
        }
    }

    public bool SignalMain(int signal)
    {
        // A signal to one that has exited and is not reaped yet would be taken, and lost.
        if (ExitWatch.HasExited(_main)) return false;
        try
        {
            if (signal == 0 || Libc.SignalProcess(_main, signal) == 0) return true;
        }
        catch (ObjectDisposedException)
        {
            return false; // reaped meanwhile
        }
        var error = LinuxException.Last("pidfd_send_signal");
        return error.Errno is Errno.ESRCH ? false : throw SpawnErrors.ToJobError(error);
    }

    public void Kill()
    {
        LeftoverProcesses = null;
        _cgroup.Kill();
    }

    public async Task SettleAsync()
    {
        // By a descriptor that is open already: this must work where no other can be opened.
        if (_cgroup.ReadEvents())
        {
            if (LeftoverProcesses is 0) LeftoverProcesses = CountLeftovers();
            _cgroup.Kill();
            await _exits.WhenCgroup(_cgroup.Events, () => !_cgroup.ReadEvents()).ConfigureAwait(false);
        }

        // An exiting process closes its descriptors before it leaves its cgroup (do_exit, kernel/exit.c): what the job
        // wrote is in its pipes by now.
        await _capture.FinishAsync().ConfigureAwait(false);
    }

    public Task SyncAsync() => _capture.SyncAsync();

    public ResourceUsage ReadUsage(bool settled)
    {
        ResourceUsage usage;
        try
        {
            usage = _cgroup.ReadUsage(isEmpty: settled);
        }
        catch (LinuxException e)
        {
            throw SpawnErrors.ToJobError(e); // whoever asks is told, such as of a want of descriptors
        }

        // The notice comes before the kernel has chosen its victim; where our kill was faster, it did not count one.
        if (_oomNoticed && usage.OomKills is null or 0) usage = usage with { OomKills = 1 };
        return _reaped is { } reaped
            ? usage with { VoluntarySwitches = reaped.VoluntarySwitches, InvoluntarySwitches = reaped.InvoluntarySwitches }
            : usage;
    }

    public OomReach OomReach(ProcessExit exit, ResourceUsage usage)
    {
        if (_mainSpared) return Jobs.OomReach.None;

        // In v1 it is our own kill, which follows every notice.
        if (_oomNoticed) return Jobs.OomReach.WholeJob;
        if (usage.OomKills is null or 0 || exit is not ProcessExit.Signaled { Signal: Signals.Kill }) return Jobs.OomReach.None;
        return Applied.MemoryBytes is not null && _oomNotice is null && _cgroup.WasKilledForMemory() is not false
            ? Jobs.OomReach.WholeJob
            : Jobs.OomReach.SomeProcess;
    }

    public void Dispose()
    {
        _capture.Dispose();
        if (_oomNotice is not null) _exits.Forget(_oomNotice);
        _cgroup.Remove();
        _cgroup.Dispose();
        _main.Dispose();
        _forget();
    }

    private async Task<ProcessExit> SeeExitAsync(Task<ReapedProcess> ended)
    {
        var reaped = await ended.ConfigureAwait(false);
        lock (_oomLock)
        {
            // The notice may stand behind this exit in a queue.
            if (_oomNotice is not null && OomNotice.Take(_oomNotice)) _oomNoticed = true;
            _exitSeen = true;
        }
        _mainSpared = reaped.OomSpared;
        _reaped = reaped;
        return reaped.Exit;
    }

    // As memory.oom.group does in v2: half a job is of no use to anybody, but who is spared there is spared here.
    private void TakeOomNotice(Fd notice)
    {
        // What the main process left is being killed anyway.
        lock (_oomLock)
        {
            if (!OomNotice.Take(notice) || _exitSeen) return;
            _oomNoticed = true;
        }
        if (ExitWatch.HasExited(_main)) return;
        if (!OomSpared.Is(Pid)) Kill();
        else _ = Task.Run(_cgroup.KillUnspared); // freezes the job meanwhile, which the loop does not wait for
    }

    /// <summary>Null: without descriptors there is no count, but there is an end.</summary>
    private int? CountLeftovers()
    {
        try
        {
            return _cgroup.Processes().Count;
        }
        catch (LinuxException)
        {
            return null;
        }
    }
}
