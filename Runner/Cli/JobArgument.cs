using System.CommandLine;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>The job that a command is about.</summary>
static class JobArgument
{
    public static Argument<string> Create() => new("job") { Description = "The job's UUID.", HelpName = "UUID" };

    /// <exception cref="JobException">Not a UUID.</exception>
    public static JobId Of(ParseResult parsed, Argument<string> argument) => JobId.Parse(parsed.GetRequiredValue(argument));
}
