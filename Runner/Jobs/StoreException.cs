namespace Runner.Jobs;

/// <summary>The records could not be read or written; the message says which and why.</summary>
sealed class StoreException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>There is no room on the disk.</summary>
    public bool IsFull { get; init; }
}
