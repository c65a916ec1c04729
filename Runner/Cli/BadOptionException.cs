namespace Runner.Cli;

/// <summary>An option's value cannot be understood; the message names the option, the value and what is valid.</summary>
sealed class BadOptionException(string message) : Exception(message);
