namespace Runner.Client;

/// <summary>The client's settings are incomplete or malformed; the message is one sentence that says what to set.</summary>
sealed class ClientProfileException(string message) : Exception(message);
