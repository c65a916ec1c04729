using System.CommandLine;
using System.Globalization;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>The options of `serve` that say how much of what has ended is kept.</summary>
sealed class RetentionOptions
{
    private readonly Option<string[]> _keepFor = new("--keep-for") { Description = "Remove jobs this long after their end, or those with a label so long, as in team=red:7d, whatever holds for the others; repeatable (default: never).", HelpName = "[LABEL[=VALUE]:]TIME" };
    private readonly Option<string[]> _keepJobs = new("--keep-jobs") { Description = $"Keep the newest N ended jobs, and of those with a label only so many, as in team=red:100; repeatable (default: {RetentionRules.UsualJobs}).", HelpName = "[LABEL[=VALUE]:]N" };
    private readonly Option<string[]> _keepOutput = new("--keep-output") { Description = "Keep so much output in all, and of jobs with a label only so much, as in team=red:1G; that of what ended first goes first, and the records stay; repeatable (default: half of the disk).", HelpName = "[LABEL[=VALUE]:]SIZE" };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _keepFor, _keepJobs, _keepOutput }) command.Options.Add(option);
    }

    /// <exception cref="BadOptionException">An option cannot be understood.</exception>
    public RetentionWish Wish(ParseResult parsed)
    {
        var times = Read(_keepFor, parsed, Quantities.Span);
        var counts = Read(_keepJobs, parsed, Count);
        var sizes = Read(_keepOutput, parsed, Quantities.Size);
        return new(
            times.General,
            [
                .. times.Labels.Select(rule => new LabelRetention(rule.Label, KeepFor: rule.Limit)),
                .. counts.Labels.Select(rule => new LabelRetention(rule.Label, KeepJobs: rule.Limit)),
                .. sizes.Labels.Select(rule => new LabelRetention(rule.Label, KeepOutput: rule.Limit)),
            ],
            counts.General,
            sizes.General);
    }

    /// <summary>What an option says of all jobs, at most once, and of those with a label.</summary>
    private static (T? General, List<(LabelFilter Label, T Limit)> Labels) Read<T>(Option<string[]> option, ParseResult parsed, Func<string, string, T> limit)
        where T : struct
    {
        var (general, labels) = (new List<string>(), new List<(LabelFilter, T)>());
        foreach (var text in parsed.GetValue(option) ?? [])
        {
            if (text.LastIndexOf(':') is >= 0 and var colon) labels.Add((Label(option.Name, text, text[..colon]), limit(option.Name, text[(colon + 1)..])));
            else general.Add(text);
        }
        if (general.Count > 1) throw new BadOptionException($"{option.Name} {general[1]}: there is {general[0]} already; another one is for a label, such as team=red:{general[1]}");
        return (general is [var one] ? limit(option.Name, one) : null, labels);
    }

    private static LabelFilter Label(string option, string typed, string text)
    {
        var label = FilterOptions.Label(text);
        try
        {
            new JobFilter { Labels = [label] }.Check();
        }
        catch (JobException e)
        {
            throw new BadOptionException(BadOptionException.Saying(option, typed, e));
        }
        return label;
    }

    private static long Count(string option, string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
        ? count
        : throw new BadOptionException($"{option} {Quoted.Short(text)}: must be a number of 0 or more");
}
