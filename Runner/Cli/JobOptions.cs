using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using Runner.Client;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>The options that describe a job, the same for `start` and `run`; the command itself stands after `--`.</summary>
sealed class JobOptions
{
    private readonly Option<string[]> _env = new("--env", "-e") { Description = "Adds NAME=VALUE to the job's environment; repeatable.", HelpName = "NAME=VALUE" };
    private readonly Option<string?> _directory = new("--cwd") { Description = "Working directory, absolute (default: the current one if the server is on this machine, else /).", HelpName = "DIR" };
    private readonly Option<string?> _name = new("--name") { Description = "A name for people.", HelpName = "NAME" };
    private readonly Option<string[]> _labels = new("--label", "-l") { Description = "Adds a label; repeatable.", HelpName = "KEY=VALUE" };
    private readonly LimitOptions _limits = new();
    private readonly Option<string?> _grace = new("--grace") { Description = "How long a stop waits between SIGTERM and SIGKILL (default: 5s).", HelpName = "TIME" };
    private readonly Option<string?> _timeout = new("--timeout") { Description = "Ends the job as a stop does when it has run this long, up to 3650d (default: never).", HelpName = "TIME" };
    private readonly Option<bool> _allowEmptyArgs = new("--allow-empty-args") { Description = "Lets arguments be empty." };
    private readonly Option<bool> _merge = new("--merge") { Description = "One stream for standard output and standard error, so that all stands in the exact order of the writes." };
    private readonly Option<bool> _pin = new("--pin") { Description = "Keep the job until it is unpinned or removed by its name, as pin does." };
    private readonly Option<string?> _id = new("--id") { Description = "The job's UUID; asking again with the same one starts nothing twice.", HelpName = "UUID" };

    private readonly Argument<string[]> _command = new("command") { Description = "After --: the program and its arguments, untouched.", HelpName = "-- COMMAND [ARG]...", Arity = ArgumentArity.ZeroOrMore };

    public void AddTo(Command command)
    {
        _limits.AddTo(command);
        foreach (var option in new Option[] { _env, _directory, _name, _labels, _grace, _timeout, _allowEmptyArgs, _merge, _pin, _id })
            command.Options.Add(option);
        command.Arguments.Add(_command);
    }

    /// <exception cref="JobException">Not a UUID.</exception>
    public JobId Id(ParseResult parsed) => parsed.GetValue(_id) is { } id ? JobId.Parse(id) : JobId.New();

    /// <exception cref="BadOptionException">An option or the command cannot be understood.</exception>
    /// <exception cref="JobException">They can, but there is no such job.</exception>
    public JobSpec Spec(ParseResult parsed, Uri server)
    {
        var command = CommandAfterDashes(parsed);
        var spec = new JobSpec
        {
            Command = command[0],
            Args = command[1..],
            Env = Pairs(_env, parsed),
            WorkingDirectory = parsed.GetValue(_directory) ?? (IsHere(server) ? CurrentDirectory("--cwd") : "/"),
            Name = parsed.GetValue(_name) ?? "",
            Labels = Pairs(_labels, parsed),
            Limits = _limits.Limits(parsed),
            GracePeriod = parsed.GetValue(_grace) is { } grace ? Quantities.Span("--grace", grace) : JobSpec.DefaultGracePeriod,
            Timeout = parsed.GetValue(_timeout) is { } timeout ? Quantities.Span("--timeout", timeout) : null,
            AllowEmptyArgs = parsed.GetValue(_allowEmptyArgs),
            MergeOutput = parsed.GetValue(_merge),
            Pinned = parsed.GetValue(_pin),
        };
        JobRules.Check(spec);
        return spec;
    }

    /// <summary>What is wrong with a field of the API, said of the option that was typed; null when it was none.</summary>
    public string? InOptions(JobException e, ParseResult parsed)
    {
        if (e.Error is JobError.BadJobId) return Of(_id);
        return e.Field switch
        {
            "spec.grace_period" => Of(_grace),
            "spec.timeout" => Of(_timeout),
            "spec.working_directory" => Of(_directory),
            "spec.name" => Of(_name),
            { } field when _limits.Named(field, parsed) is { } limit => Of(limit),
            { } field when field.StartsWith("spec.env[", StringComparison.Ordinal) => BadOptionException.Saying(_env.Name, field[9..^1], e),
            { } field when field.StartsWith("spec.labels[", StringComparison.Ordinal) => BadOptionException.Saying(_labels.Name, field[12..^1], e),
            { } field when field.StartsWith("spec.args[", StringComparison.Ordinal) => e.Message.Replace("allow_empty_args is set", $"{_allowEmptyArgs.Name} is given", StringComparison.Ordinal),
            _ => null,
        };

        string? Of(Option<string?> option) => parsed.GetValue(option) is { } typed ? BadOptionException.Saying(option.Name, typed, e) : null;
    }

    // A folder of this machine means something only to a server on this machine.
    private static bool IsHere(Uri server) =>
        server.Host is "localhost" || IPAddress.TryParse(server.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address);

    /// <exception cref="BadOptionException">It was removed, or may not be seen.</exception>
    public static string CurrentDirectory(string option)
    {
        try
        {
            return Environment.CurrentDirectory;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadOptionException($"the current directory is gone; name another with {option}");
        }
    }

    /// <summary>Without the dashes the parser would take the command's own options for ours.</summary>
    private string[] CommandAfterDashes(ParseResult parsed)
    {
        var words = parsed.GetValue(_command) ?? [];
        var dashes = parsed.Tokens.TakeWhile(token => token.Type is not TokenType.DoubleDash).Count();
        var after = parsed.Tokens.Count - dashes - 1;
        if (words.Length > after && words.Length > 0 && words[0].StartsWith('-')) throw new BadOptionException($"{NoSuch.Option(parsed.CommandResult.Command, words[0])}; see runner {parsed.CommandResult.Command.Name} --help");
        if (after < 0) throw new BadOptionException($"put -- before the command: runner {parsed.CommandResult.Command.Name} -- {(words.Length > 0 ? string.Join(' ', words) : "sha256sum bigfile")}");
        if (words.Length > after) throw new BadOptionException($"'{words[0]}': only options may stand before --");
        return words.Length > 0 ? words : throw new BadOptionException($"no command after --: runner {parsed.CommandResult.Command.Name} -- sha256sum bigfile");
    }

    private static Dictionary<string, string> Pairs(Option<string[]> option, ParseResult parsed)
    {
        var pairs = new Dictionary<string, string>();
        foreach (var text in parsed.GetValue(option) ?? [])
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0) throw new BadOptionException($"{option.Name} {text}: must be {option.HelpName}");
            pairs[text[..equals]] = text[(equals + 1)..];
        }
        return pairs;
    }
}
