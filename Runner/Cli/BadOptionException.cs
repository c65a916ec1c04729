using Runner.Jobs;

namespace Runner.Cli;

/// <summary>An option's value cannot be understood; the message names the option, the value and what is valid.</summary>
sealed class BadOptionException(string message) : Exception(message)
{
    /// <summary>A rule of the API, which names a field and what its value was made into, said of what was typed.</summary>
    public static string Saying(string option, string typed, JobException rule) =>
        $"{option} {Quoted.Short(typed)}: {rule.Message[(rule.Message.LastIndexOf(": ", StringComparison.Ordinal) + 2)..]}";
}
