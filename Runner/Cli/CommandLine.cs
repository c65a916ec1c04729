using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Runner.Jobs;
using Runner.Server;

namespace Runner.Cli;

/// <summary>The whole command line: every command, and how words are read.</summary>
static class CommandLine
{
    // The parser takes no more for one argument (ArgumentArity.ZeroOrMore), and would blame the first word too many.
    private const int MostWords = 100_000;

    /// <param name="args">As the shell gave them.</param>
    /// <param name="serve">Runs the server to its end.</param>
    /// <param name="examine">Tells what this machine can enforce.</param>
    public static int Run(string[] args, Func<ServeSettings, TextWriter, TextWriter, Task<int>> serve, Func<IReadOnlyList<Capability>> examine)
    {
        StandardStream.HoldPlaces();
        return Run(args, serve, examine, StandardStream.Output, StandardStream.Error);
    }

    /// <summary>The same, with its output and what it complains of told to others.</summary>
    public static int Run(
        string[] args, Func<ServeSettings, TextWriter, TextWriter, Task<int>> serve, Func<IReadOnlyList<Capability>> examine, TextWriter output, TextWriter error)
    {
        // Not the library's root command, nor its help and version options: they ask for their texts when they are made, 0.8 ms of every start.
        var root = new Command("runner", "Runs Linux processes under hard limits, and lets people start, stop, query and follow them over mutual TLS.")
        {
            new Option<bool>("--help", "-?", "-h") { Description = "Show help and usage information", Recursive = true, Action = new HelpAction() },
            new Option<bool>("--version") { Description = "Show version information", Action = new VersionAction() },
            ServeCommand.Create(serve),
            StartCommand.Create(),
            RunCommand.Create(),
            StatusCommand.Create(),
            ListCommand.Create(),
            LogsCommand.Create(),
            StopCommand.Create(),
            SignalCommand.Create(),
            WaitCommand.Create(),
            RemoveCommand.Create(),
            PruneCommand.Create(),
            PinCommand.Create(pinned: true),
            PinCommand.Create(pinned: false),
            VerifyCommand.Create(),
            CertsCommand.Create(),
            DoctorCommand.Create(examine),
            VersionCommand.Create(),
        };

        // A word that starts with @ is a word, and what the process is told by Ctrl-C is each command's own business.
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (Misuse(parsed) is { } misuse)
        {
            error.Say($"{misuse}; see {string.Join(' ', Names(parsed.CommandResult.Command))} --help");
            return (int)ExitCode.BadUsage;
        }
        try
        {
            return parsed.Invoke(new() { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false, Output = output, Error = error });
        }
        catch (OutputClosedException e)
        {
            if (!e.Broken) error.Say(e.Message);
            return (int)ClientCommand.CodeOf(e)!;
        }
        catch (Exception e)
        {
            error.Say($"internal error: {e.Message} ({e.GetType().Name}; RUNNER_DEBUG=1 tells where)");
            if (Environment.GetEnvironmentVariable("RUNNER_DEBUG") is { Length: > 0 }) error.WriteLine(e);
            return (int)ExitCode.NoServer;
        }
    }

    /// <summary>What is wrong with the words, first things first; null if nothing is.</summary>
    private static string? Misuse(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        if (parsed.Errors.Count > 0)
        {
            if (parsed.Tokens.Count > MostWords) return $"{parsed.Tokens.Count} words: must be at most {MostWords}";

            // What looks like an option was meant as one, even where a word was due.
            var before = parsed.Tokens.TakeWhile(token => token.Type is not TokenType.DoubleDash).Select(token => token.Value).ToHashSet();
            var words = parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).Select(token => token.Value).Where(before.Contains);
            if (words.Concat(parsed.UnmatchedTokens).FirstOrDefault(word => word.StartsWith('-')) is { } option) return NoSuch.Option(command, option);
            if (parsed.UnmatchedTokens is not [var unknown, ..])
                return command.Subcommands.Count > 0 ? "no command given" : parsed.Errors[0].Message.TrimEnd('.');
            return command.Subcommands.Count > 0 ? NoSuch.Command(command, unknown) : $"'{unknown}': one word too many";
        }

        // Nothing is not the same as not given: it is what is left of a variable that was not set.
        foreach (var child in parsed.CommandResult.Children)
            if (child is OptionResult given && given.Tokens.Any(token => token.Value.Length == 0))
                return $"{given.Option.Name}: must not be empty";
        return null;
    }

    private static IEnumerable<string> Names(Command command)
    {
        var parents = command.Parents.OfType<Command>().FirstOrDefault();
        return parents is null ? ["runner"] : Names(parents).Append(command.Name);
    }
}
