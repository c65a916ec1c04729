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

    /// <summary>The one end of a job whose main process has gone. Whoever's death ended the job is told: the main process's.</summary>
    /// <param name="exit">How it went.</param>
    /// <param name="cause">What had set about ending it before it went; null if nothing.</param>
    /// <param name="reach">What of it was killed for want of memory.</param>
    public static JobEnd Decide(ProcessExit exit, EndCause? cause, OomReach reach) => (exit, cause) switch
    {
        // The kernel's kill of the whole comes first: a stop that found the job dying did not end it.
        _ when reach is OomReach.WholeJob => new OutOfMemory(exit),
        (_, EndCause.Stop(var by)) => new Stopped(by, exit),
        (_, EndCause.Timeout) => new TimedOut(exit),
        (_, EndCause.OutputLimit) => new OutputLimit(exit),

        // Without a limit of its own, a kill for want of memory is the machine's and takes one process.
        (ProcessExit.Signaled { Signal: Signals.Kill }, _) when reach is OomReach.SomeProcess => new OutOfMemory(exit),
        (ProcessExit.Exited(var code), _) => new Exited(code),
        (ProcessExit.Signaled(var signal, var core), _) => new Signaled(signal, core),
        _ => throw new InvalidOperationException($"no end for {exit}"),
    };
}

/// <summary>What sets about ending a job that has not ended by itself. Of several the first is the one recorded.</summary>
abstract record EndCause
{
    private EndCause() { }

    /// <param name="By">The caller's name, or <see cref="JobEnd.ByServer"/>.</param>
    public sealed record Stop(string By) : EndCause;

    public sealed record Timeout : EndCause;

    /// <summary>It wrote more than it may.</summary>
    public sealed record OutputLimit : EndCause;
}

/// <summary>How far a kill for want of memory went in a job.</summary>
enum OomReach
{
    /// <summary>None came before the main process had gone, or none could take it.</summary>
    None,

    /// <summary>Some process, maybe the main one: at the machine's limit, or at one that the job made within itself.</summary>
    SomeProcess,

    /// <summary>At the job's own limit: every process of it, the main one included.</summary>
    WholeJob,
}
