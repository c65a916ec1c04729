using Runner.Access;

namespace Runner.Jobs;

/// <summary>How a job's main process went, as the kernel told it.</summary>
abstract record ProcessExit
{
    private ProcessExit() { }

    public sealed record Exited(int Code) : ProcessExit;
    public sealed record Signaled(int Signal, bool CoreDumped) : ProcessExit;
}

/// <summary>Whose doing a job's end was: the program's, the kernel's, a caller's, or ours. Decided once.</summary>
abstract record JobEnd
{
    private JobEnd() { }

    public sealed record Exited(int Code) : JobEnd;
    public sealed record Signaled(int Signal, bool CoreDumped) : JobEnd;
    public sealed record OutOfMemory(ProcessExit Exit) : JobEnd;

    /// <param name="By">The caller's name, or <see cref="ByServer"/>.</param>
    /// <param name="Exit">How the main process took it.</param>
    public sealed record Stopped(string By, ProcessExit Exit) : JobEnd;

    public sealed record TimedOut(ProcessExit Exit) : JobEnd;
    public sealed record OutputLimit(ProcessExit Exit) : JobEnd;

    /// <summary>Its program never ran.</summary>
    public sealed record CouldNotStart(string Reason) : JobEnd;

    /// <summary>Our failure, never blamed on the job.</summary>
    public sealed record Lost(string Reason) : JobEnd;

    public const string ByServer = Caller.Server;

    private const int SigKill = 9;

    /// <summary>The one end of a job whose main process has gone.</summary>
    /// <param name="exit">How it went.</param>
    /// <param name="stoppedBy">Who had asked for a stop before it went; null if nobody.</param>
    /// <param name="atMemoryLimit">The kernel killed processes of it at its own memory limit, which takes the whole job.</param>
    /// <param name="oomKills">Processes of it that the kernel killed for want of memory, its own or the machine's.</param>
    public static JobEnd Decide(ProcessExit exit, string? stoppedBy, bool atMemoryLimit, long oomKills) => exit switch
    {
        // The kernel's kill of the whole comes first: a stop that found the job dying did not end it.
        _ when atMemoryLimit => new OutOfMemory(exit),
        _ when stoppedBy is not null => new Stopped(stoppedBy, exit),

        // Without a limit of its own, a kill for want of memory is the machine's and takes one process.
        ProcessExit.Signaled { Signal: SigKill } when oomKills > 0 => new OutOfMemory(exit),
        ProcessExit.Exited(var code) => new Exited(code),
        ProcessExit.Signaled(var signal, var core) => new Signaled(signal, core),
        _ => throw new InvalidOperationException($"no end for {exit}"),
    };
}
