using Runner.Output;

namespace Runner.Jobs;

/// <summary>Turns a spec into a running process under its limits.</summary>
interface IJobLauncher
{
    /// <summary>Returns once the program has been exec'd in its cgroup with its limits on.</summary>
    /// <exception cref="JobException">It could not be; nothing is left of it.</exception>
    IJobProcess Launch(JobId id, JobSpec spec);

    /// <summary>The jobs of a former server that can be gone on with.</summary>
    IReadOnlyList<JobId> Kept { get; }

    /// <summary>Goes on with one of <see cref="Kept"/> where the former server left it.</summary>
    /// <param name="id">Which.</param>
    /// <param name="applied">The limits it was started with: that of its output is known to nobody else.</param>
    /// <exception cref="JobException">It cannot be: what it was kept by or written to is gone.</exception>
    IJobProcess Adopt(JobId id, ResourceLimits applied);

    /// <summary>What a job of a former server has used that nobody goes on with, as far as that can still be told.</summary>
    ResourceUsage LeftUsage(JobId id);

    /// <summary>Kills and removes whatever a former server left running and nobody goes on with.</summary>
    /// <param name="adopted">Those that somebody does.</param>
    /// <returns>Whose it was.</returns>
    IReadOnlyList<JobId> CleanLeftovers(IReadOnlySet<JobId> adopted);

    /// <summary>Lets go of all that is held of jobs that nobody goes on with. Called when their ends are stored: until then how they went is known nowhere else.</summary>
    /// <param name="adopted">Those that somebody does.</param>
    void LetGo(IReadOnlySet<JobId> adopted);

    /// <summary>Removes all that was captured of a job.</summary>
    void Discard(JobId id);

    /// <summary>Has all that a former server captured of a job on the disk.</summary>
    /// <returns>Whether the disk did not take some of it for a time.</returns>
    Task<bool> SyncAsync(JobId id);

    /// <summary>The output of a job whose end no server has recorded: whatever is there.</summary>
    /// <param name="id">Whose.</param>
    /// <param name="kind">Which stream.</param>
    /// <param name="afterPowerCut">What the former server wrote last may not have come to the disk.</param>
    OutputLog LeftOutput(JobId id, OutputKind kind, bool afterPowerCut);

    /// <summary>The captured output of a job whose end is recorded.</summary>
    /// <param name="id">Whose.</param>
    /// <param name="kind">Which stream.</param>
    /// <param name="length">Its size as recorded.</param>
    /// <param name="kept">What of it is kept, as recorded with the size.</param>
    OutputLog StoredOutput(JobId id, OutputKind kind, long length, KeptOutput? kept);

    /// <summary>When its pieces were captured; empty if nobody wrote that down.</summary>
    OutputLog StoredIndex(JobId id);
}

/// <summary>A job's processes, from exec to an empty cgroup. Dispose gives everything back to the machine.</summary>
interface IJobProcess : IDisposable
{
    int Pid { get; }

    /// <summary>How long it has run, by a clock that nobody sets. Null: that cannot be told.</summary>
    TimeSpan? Age { get; }

    /// <summary>The limits as read back from the kernel.</summary>
    ResourceLimits Applied { get; }
    OutputLog Stdout { get; }
    OutputLog Stderr { get; }

    /// <summary>When each piece of both was captured: an <see cref="OutputRecord"/> each, in order.</summary>
    OutputLog Index { get; }

    /// <summary>Why what it writes is left in its pipes; null: it is not.</summary>
    string? HeldBack { get; }

    /// <summary>Done when it has written more than it may and is to be ended for that.</summary>
    Task OutputLimitPassed { get; }

    /// <summary>How the main process went. Fails only if the kernel does not tell.</summary>
    Task<ProcessExit> Exited { get; }

    /// <summary>When it went, as far as that was seen earlier than it was told. Null: just now. Known once it has exited.</summary>
    DateTimeOffset? ExitedAt { get; }

    /// <summary>Sends a signal to every process of the job.</summary>
    /// <param name="signal">Its number.</param>
    /// <param name="wake">Whether processes that are stopped (SIGSTOP) go on, so that they can act on it.</param>
    /// <exception cref="JobException">A process could not be signalled.</exception>
    void Signal(int signal, bool wake);

    /// <summary>Sends a signal to the main process alone. False: it has gone.</summary>
    /// <exception cref="JobException">It could not be signalled.</exception>
    bool SignalMain(int signal);

    /// <summary>Kills every process of the job at once.</summary>
    void Kill();

    /// <summary>
    /// After the main process has gone: kills what it left, waits until no process is left, and captures every byte
    /// they wrote. The logs are not completed.
    /// </summary>
    Task SettleAsync();

    /// <summary>Has all that was captured on the disk. Called once it has settled.</summary>
    Task SyncAsync();

    /// <summary>What it has used so far.</summary>
    /// <param name="settled">It has, and nothing of it is left: what it has now is nothing.</param>
    ResourceUsage ReadUsage(bool settled);

    /// <summary>How far a kill for want of memory went. Known once it has settled.</summary>
    /// <param name="exit">How the main process went.</param>
    /// <param name="usage">What it used in all.</param>
    OomReach OomReach(ProcessExit exit, ResourceUsage usage);

    /// <summary>Processes that were left when the main one had gone; null: not counted. Known once it has settled.</summary>
    int? LeftoverProcesses { get; }

    /// <summary>Whether somebody outside the job held a stream open when no process of it was left. Known once it has settled.</summary>
    bool HeldOpen { get; }

    /// <summary>Whether the disk did not take some of what it wrote for a time. Known once it has settled.</summary>
    bool DiskFailed { get; }
}
