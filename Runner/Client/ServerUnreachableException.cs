namespace Runner.Client;

/// <summary>The server did not answer as a server does; the message says what to look at.</summary>
sealed class ServerUnreachableException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The connection broke or could not be made: the same call may be answered later.</summary>
    public bool IsBroken { get; init; }

    /// <summary>It broke while it was made, before the server could have looked at the certificate.</summary>
    public bool IsCutShort { get; init; }

    /// <summary>If the server was heard, it closed the connection because it makes way for another one or ends.</summary>
    public bool IsGoodbye { get; init; }
}
