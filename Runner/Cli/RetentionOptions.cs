using System.CommandLine;
using System.Globalization;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>The options of `serve` that say how much of what has ended is kept.</summary>
sealed class RetentionOptions
{
    private readonly Option<string[]> _keepFor = new("--keep-for") { Description = "Remove jobs this long after their end, or those with a label so long, as in team=red:7d, whatever holds for the others; repeatable (default: never).", HelpName = "[LABEL[=VALUE]:]TIME" };
    private readonly Option<string?> _keepJobs = new("--keep-jobs") { Description = $"Keep the newest N ended jobs (default: {RetentionRules.UsualJobs}).", HelpName = "N" };
    private readonly Option<string?> _keepOutput = new("--keep-output") { Description = "Keep so much output in all; that of what ended first goes first, and the records stay (default: half of the disk).", HelpName = "SIZE" };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _keepFor, _keepJobs, _keepOutput }) command.Options.Add(option);
    }

    /// <exception cref="BadOptionException">An option cannot be understood.</exception>
    public RetentionWish Wish(ParseResult parsed)
    {
        var given = parsed.GetValue(_keepFor) ?? [];
        var general = given.Where(text => !text.Contains(':', StringComparison.Ordinal)).ToList();
        if (general.Count > 1) throw new BadOptionException($"{_keepFor.Name} {general[1]}: there is {general[0]} already; another one is for a label, such as team=red:{general[1]}");
        return new(
            general is [var text] ? Quantities.Span(_keepFor.Name, text) : null,
            [.. given.Where(text => text.Contains(':', StringComparison.Ordinal)).Select(Rule)],
            parsed.GetValue(_keepJobs) is { } jobs ? Count(jobs) : null,
            parsed.GetValue(_keepOutput) is { } output ? Quantities.Size(_keepOutput.Name, output) : null);
    }

    private LabelRetention Rule(string text)
    {
        var colon = text.LastIndexOf(':');
        var label = FilterOptions.Label(text[..colon]);
        try
        {
            new JobFilter { Labels = [label] }.Check();
        }
        catch (JobException e)
        {
            throw new BadOptionException(BadOptionException.Saying(_keepFor.Name, text, e));
        }
        return new(label, Quantities.Span(_keepFor.Name, text[(colon + 1)..]));
    }

    private long Count(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
        ? count
        : throw new BadOptionException($"{_keepJobs.Name} {Quoted.Short(text)}: must be a number of 0 or more");
}
