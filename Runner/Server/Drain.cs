namespace Runner.Server;

/// <summary>Tells calls under way that this server makes way for another one: those that wait for something at once, those that do something later.</summary>
sealed class Drain : IDisposable
{
    private readonly CancellationTokenSource _waiting = new(), _all = new();

    /// <summary>Cancelled at once: whoever waits or follows asks the next server.</summary>
    public CancellationToken Waiting => _waiting.Token;

    public bool HasBegun => _waiting.IsCancellationRequested;

    /// <summary>Cancelled for calls that stop a job, which may wait long for its end, when the others had their time.</summary>
    public CancellationToken All => _all.Token;

    /// <param name="patience">How long calls that do something have.</param>
    public void Begin(TimeSpan patience)
    {
        _waiting.Cancel();
        _all.CancelAfter(patience);
    }

    public void Dispose()
    {
        _waiting.Dispose();
        _all.Dispose();
    }
}
