using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>A job's process and what is held for it.</summary>
/// <param name="Id">Whose.</param>
/// <param name="Process">Its main process.</param>
/// <param name="Held">The ends of its pipes that a server reads.</param>
sealed record KeptJob(JobId Id, SpawnedProcess Process, IReadOnlyList<Fd> Held) : IDisposable
{
    /// <summary>Null: it runs.</summary>
    public ReapedProcess? Gone { get; set; }

    /// <summary>It is being ended by its keeper itself.</summary>
    public bool InStop { get; set; }

    /// <summary>That is written down, as far as the disk takes it.</summary>
    public bool IsNoted { get; set; }

    public void Dispose()
    {
        Process.Pidfd.Dispose();
        foreach (var fd in Held) fd.Dispose();
    }
}
