using System.CommandLine;
using Runner.Jobs;
using Runner.Server;

namespace Runner.Cli;

/// <summary>The whole command line: every command, and how words are read.</summary>
static class CommandLine
{
    /// <param name="args">As the shell gave them.</param>
    /// <param name="serve">Runs the server to its end.</param>
    /// <param name="examine">Tells what this machine can enforce.</param>
    public static int Run(string[] args, Func<ServeSettings, TextWriter, TextWriter, Task> serve, Func<IReadOnlyList<Capability>> examine)
    {
        var root = new RootCommand("Runs Linux processes under hard limits, and lets people start, stop, query and follow them over mutual TLS.")
        {
            ServeCommand.Create(serve),
            StartCommand.Create(),
            RunCommand.Create(),
            StatusCommand.Create(),
            ListCommand.Create(),
            LogsCommand.Create(),
            StopCommand.Create(),
            CertsCommand.Create(),
            DoctorCommand.Create(examine),
            VersionCommand.Create(),
        };

        // A word that starts with @ is a word, and what the process is told by Ctrl-C is each command's own business.
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count == 0) return parsed.Invoke(new InvocationConfiguration { ProcessTerminationTimeout = null });

        foreach (var error in parsed.Errors) Console.Error.WriteLine($"runner: {error.Message}");
        Console.Error.WriteLine($"runner: see {string.Join(' ', Names(parsed.CommandResult.Command))} --help");
        return (int)ExitCode.BadUsage;
    }

    private static IEnumerable<string> Names(Command command)
    {
        var parents = command.Parents.OfType<Command>().FirstOrDefault();
        return parents is null ? ["runner"] : Names(parents).Append(command.Name);
    }
}
