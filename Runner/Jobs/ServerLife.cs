namespace Runner.Jobs;

/// <summary>How a job's main process went that no server looked after any more.</summary>
sealed record LeftExit(ProcessExit Exit, DateTimeOffset At, EndCause? Cause = null);

/// <summary>What a server leaves to the next one, so that it can tell why jobs are lost.</summary>
/// <param name="BootId">Of the machine when it ran (/proc/sys/kernel/random/boot_id).</param>
/// <param name="HadKeeper">Jobs were not its own children.</param>
sealed record ServerLife(string BootId, bool HadKeeper)
{
    /// <summary>The end of jobs that a former server left and nobody can go on with.</summary>
    /// <param name="before">That server. Null: not known.</param>
    /// <param name="keeperWasThere">The keeper of this server was that one's too.</param>
    public JobEnd.Lost WhyLost(ServerLife? before, bool keeperWasThere) =>
        before is null ? new("the server ended without recording this job's end")
        : before.BootId != BootId ? new("the host was rebooted", LostReason.HostReboot)
        : keeperWasThere ? new("another server could not go on with it", LostReason.NotAdopted)
        : before.HadKeeper ? new("the keeper died", LostReason.KeeperDied)
        : new("the server died, and had no keeper", LostReason.ServerDied);
}
