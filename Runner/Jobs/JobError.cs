namespace Runner.Jobs;

/// <summary>What went wrong, by what the caller can do next.</summary>
enum JobError
{
    /// <summary>The request itself is wrong: mend it.</summary>
    BadField,

    /// <summary>Not a job id.</summary>
    BadJobId,

    /// <summary>There is no such job, or the caller may not see it.</summary>
    NoSuchJob,

    /// <summary>The role does not allow this.</summary>
    NotAllowed,

    /// <summary>The id already names a job that was asked for in other words.</summary>
    IdInUse,

    /// <summary>The job has ended: nothing to stop or signal.</summary>
    AlreadyEnded,

    /// <summary>The job runs, or its output is being read: it cannot be removed now.</summary>
    StillRunning,

    /// <summary>The program could not be started: no such file, not executable.</summary>
    CannotStart,

    /// <summary>This machine cannot hold a job to that limit.</summary>
    LimitUnavailable,

    /// <summary>Try later: the machine has no room, or the server is stopping.</summary>
    Exhausted,

    /// <summary>The operating system refused something the server needs.</summary>
    OsError,
}
