using System.CommandLine;
using System.Globalization;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>The options that say which jobs are wanted.</summary>
sealed class FilterOptions
{
    private const string Failed = "nonzero";

    private readonly Option<string?> _state = new("--state") { Description = "Only jobs that are running, or have ended.", HelpName = "running|ended" };
    private readonly Option<string?> _reason = new("--reason") { Description = $"Only jobs that ended so: {string.Join(", ", EndParts.Reasons)}.", HelpName = "REASON" };
    private readonly Option<string?> _exit = new("--exit") { Description = "Only jobs that ended with this exit code (128 + N for signal N), or nonzero: with any but 0, lost ones included.", HelpName = "CODE|nonzero" };
    private readonly Option<string[]> _labels = new("--label", "-l") { Description = "Only jobs with this label, whatever its value if that is left out; repeatable.", HelpName = "KEY[=VALUE]" };
    private readonly Option<string?> _name = new("--name") { Description = "Only jobs of this name.", HelpName = "NAME" };
    private readonly Option<string?> _owner = new("--owner") { Description = "Only jobs that this caller started.", HelpName = "NAME" };
    private readonly Option<string?> _since = new("--since") { Description = $"Only jobs that started then or later: {PointsInTime.Examples}.", HelpName = "TIME" };
    private readonly Option<string?> _until = new("--until") { Description = "Only jobs that started before then.", HelpName = "TIME" };

    private readonly Option<bool> _pinned = new("--pinned") { Description = "Only jobs that are pinned." };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _state, _reason, _exit, _labels, _name, _owner, _since, _until, _pinned }) command.Options.Add(option);
    }

    /// <exception cref="BadOptionException">An option cannot be understood.</exception>
    /// <exception cref="JobException">They can, but are not valid; <see cref="InOptions"/> says it of the option.</exception>
    public JobFilter Filter(ParseResult parsed, DateTimeOffset now)
    {
        var exit = parsed.GetValue(_exit);
        var filter = new JobFilter
        {
            Running = parsed.GetValue(_state) switch
            {
                null => null,
                "running" => true,
                "ended" => false,
                var other => throw new BadOptionException($"{_state.Name} {Quoted.Short(other)}: must be running or ended"),
            },
            Reason = parsed.GetValue(_reason),
            ExitCode = exit is null or Failed ? null
                : int.TryParse(exit, NumberStyles.None, CultureInfo.InvariantCulture, out var code) ? code
                : throw new BadOptionException($"{_exit.Name} {Quoted.Short(exit)}: must be 0 to 255, or {Failed}"),
            Failed = exit is Failed,
            Labels = [.. (parsed.GetValue(_labels) ?? []).Select(Label)],
            Name = parsed.GetValue(_name),
            Owner = parsed.GetValue(_owner),
            Since = Time(_since, parsed, now),
            Until = Time(_until, parsed, now),
            Pinned = parsed.GetValue(_pinned) ? true : null,
        };
        filter.Check();
        return filter;
    }

    /// <summary>What is wrong with a field of the API, said of the option that was typed; null when it was none.</summary>
    public string? InOptions(JobException e, ParseResult parsed)
    {
        return e.Field switch
        {
            "filter.state" => Of(_state),
            "filter.pinned" => $"{_pinned.Name}: pinned jobs stay",
            "filter.reason" => Of(_reason),
            "filter.exit_code" or "filter.failed" => Of(_exit),
            "filter.name" => Of(_name),
            "filter.started_since" => Of(_since),
            "filter.started_until" => Of(_until),
            { } field when field.StartsWith("filter.labels[", StringComparison.Ordinal) && int.TryParse(field[14..^1], CultureInfo.InvariantCulture, out var i) =>
                BadOptionException.Saying(_labels.Name, parsed.GetValue(_labels)![i], e),
            _ => null,
        };

        string? Of(Option<string?> option) => parsed.GetValue(option) is { } typed ? BadOptionException.Saying(option.Name, typed, e) : null;
    }

    public static LabelFilter Label(string text) =>
        text.IndexOf('=', StringComparison.Ordinal) is >= 0 and var equals ? new(text[..equals], text[(equals + 1)..]) : new(text, null);

    private static DateTimeOffset? Time(Option<string?> option, ParseResult parsed, DateTimeOffset now) =>
        parsed.GetValue(option) is { } text ? PointsInTime.Of(option.Name, text, now) : null;
}
