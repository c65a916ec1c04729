using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;

namespace Runner.Cli;

/// <summary>`runner version`: which build this is.</summary>
static class VersionCommand
{
    public static string Version { get; } =
        typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static Command Create()
    {
        var command = new Command("version", "Print the version.");
        command.SetAction(parsed => parsed.InvocationConfiguration.Output.WriteLine($"runner {Version}"));
        return command;
    }
}

/// <summary>`runner --version`: the bare version.</summary>
sealed class VersionAction : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine(VersionCommand.Version);
        return (int)ExitCode.Ok;
    }
}
