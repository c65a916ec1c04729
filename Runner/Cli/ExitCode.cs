namespace Runner.Cli;

/// <summary>What the process tells its parent. Where a command waits for a job, the job's own code passes through instead.</summary>
enum ExitCode
{
    Ok = 0,
    Failed = 1,
    BadUsage = 2,

    /// <summary>`verify` found nothing that differs, but some output was pruned, so that it could not be compared.</summary>
    NothingToCompare = 3,

    /// <summary>`serve` needs root.</summary>
    NotRoot = 10,

    /// <summary>A certificate or key that `serve` or `certs show` is given is missing, unreadable or unfit.</summary>
    BadCertificate = 11,

    /// <summary>The address is in use or cannot be bound.</summary>
    CannotListen = 12,

    /// <summary>The machine has no usable cgroup tree.</summary>
    NoCgroups = 13,

    /// <summary>The state directory cannot be used.</summary>
    BadState = 14,

    /// <summary>`wait` waited as long as it was to, as timeout(1) tells it.</summary>
    TimedOut = 124,

    /// <summary>The server could not be reached, for want of a certificate too, or failed.</summary>
    NoServer = 125,

    /// <summary>The job could not be started.</summary>
    CannotStart = 126,

    /// <summary>No such job, or no such program.</summary>
    NotFound = 127,

    /// <summary>A job ended by signal N gives 128 + N.</summary>
    KilledBySignal = 128,
}
