namespace Runner.Jobs;

/// <summary>Why nobody can say how a job went.</summary>
enum LostReason
{
    /// <summary>Recorded by a version that did not tell, or of a server before that.</summary>
    Unknown,

    /// <summary>The machine was started anew, by itself or by somebody.</summary>
    HostReboot,

    /// <summary>The keeper died, and with it all that it held.</summary>
    KeeperDied,

    /// <summary>The server died, and had no keeper.</summary>
    ServerDied,

    /// <summary>Another server could not go on with it: what it was kept by or written to was gone.</summary>
    NotAdopted,

    /// <summary>Somebody else took its status from the kernel.</summary>
    NotTold,
}
