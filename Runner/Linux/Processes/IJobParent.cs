using Runner.Jobs;
using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>Starts jobs' programs and tells how they went: this process itself, or a keeper that outlives it.</summary>
interface IJobParent
{
    /// <summary>What a former server started and nobody has let go of.</summary>
    IReadOnlyList<KeptProcess> Kept { get; }

    /// <summary>Returns once the program has been exec'd.</summary>
    /// <param name="id">Whose.</param>
    /// <param name="order">What; its descriptors stay the caller's.</param>
    /// <param name="keep">The ends of its pipes that are read, which should outlive this process; they stay the caller's.</param>
    /// <exception cref="SpawnException">It has not been; nothing is left.</exception>
    StartedProcess Start(JobId id, SpawnOrder order, IReadOnlyList<Fd> keep);

    /// <summary>The job's end is stored: nothing of it need be kept.</summary>
    void Forget(JobId id, int pid);
}

/// <summary>A job's main process.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="Pidfd">For signals to it and nobody else.</param>
/// <param name="Ended">How it went. Fails only if nobody can tell.</param>
sealed record StartedProcess(int Pid, Fd Pidfd, Task<ReapedProcess> Ended);

/// <summary>The same of a former server's job.</summary>
/// <param name="Id">Whose.</param>
/// <param name="Process">It.</param>
/// <param name="Pipes">The ends of its pipes that are read: output and error, or one for both.</param>
sealed record KeptProcess(JobId Id, StartedProcess Process, IReadOnlyList<Fd> Pipes) : IDisposable
{
    public void Dispose()
    {
        Process.Pidfd.Dispose();
        foreach (var pipe in Pipes) pipe.Dispose();
    }
}
