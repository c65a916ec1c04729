using Runner.Jobs;
using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>This process as the parent of its jobs: they are lost with it.</summary>
sealed class OwnChildren(ExitWatch exits) : IJobParent
{
    public IReadOnlyList<KeptProcess> Kept => [];

    public StartedProcess Start(JobId id, SpawnOrder order, IReadOnlyList<Fd> keep)
    {
        var (pid, pidfd) = Spawner.Spawn(order);
        return new(pid, pidfd, exits.WhenExited(pidfd, pid));
    }

    public void Forget(JobId id, int pid) { }
}
