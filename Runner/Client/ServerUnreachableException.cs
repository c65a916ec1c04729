namespace Runner.Client;

/// <summary>The server did not answer as a server does; the message says what to look at.</summary>
sealed class ServerUnreachableException(string message, Exception? inner = null) : Exception(message, inner);
