using Runner.Jobs;

namespace Runner.Server;

/// <summary>
/// Lets only some starts be made at once; the others wait their turn without a thread. A start holds its thread until its exec,
/// which a disk or file server that hangs puts off for as long as it likes: the other threads stay for all other calls.
/// </summary>
sealed class Starts(int most, TimeSpan patience) : IDisposable
{
    private readonly SemaphoreSlim _places = new(most);

    /// <summary>A quarter of the threads; a client gives a start 60 s, and a large one waits for memory too.</summary>
    public static Starts OfServer() => new(WorkerThreads.Count / 4, TimeSpan.FromSeconds(25));

    /// <exception cref="JobException">There was no place for too long, or the start fails.</exception>
    public async Task<Job> MakeAsync(Func<Job> start, CancellationToken cancellationToken)
    {
        if (!await _places.WaitAsync(patience, cancellationToken))
            throw new JobException(JobError.Exhausted, "other starts hang, as on a file server that does not answer; try again") { Step = "start" };
        try
        {
            return start();
        }
        finally
        {
            _places.Release();
        }
    }

    public void Dispose() => _places.Dispose();
}
