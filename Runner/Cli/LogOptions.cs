using System.CommandLine;
using System.Globalization;
using Runner.Jobs;
using Runner.Output;

namespace Runner.Cli;

/// <summary>The options that say what of a job's output is wanted.</summary>
sealed class LogOptions
{
    private readonly Option<bool> _stdout = new("--stdout") { Description = "The job's standard output (the default)." };
    private readonly Option<bool> _stderr = new("--stderr") { Description = "The job's standard error in its place." };
    private readonly Option<bool> _both = new("--both") { Description = "Both, each to its own stream here, in the order in which they were captured from two pipes; the exact order of the writes needs --merge at start." };
    private readonly Option<bool> _follow = new("--follow", "-f") { Description = "Go on until the job has ended (the default)." };
    private readonly Option<bool> _noFollow = new("--no-follow") { Description = "Only what is there now." };
    private readonly Option<string?> _offset = new("--offset") { Description = "Begin at this byte of the stream, from 0.", HelpName = "N" };
    private readonly Option<string?> _tail = new("--tail", "-n") { Description = "Begin so many lines before the end of what is there now.", HelpName = "LINES" };
    private readonly Option<string?> _tailBytes = new("--tail-bytes") { Description = "Begin so many bytes before the end of what is there now.", HelpName = "SIZE" };
    private readonly Option<string?> _since = new("--since") { Description = $"Begin with what was captured then or later: {PointsInTime.Examples}.", HelpName = "TIME" };
    private readonly Option<string?> _bytes = new("--bytes") { Description = "End after so many bytes.", HelpName = "SIZE" };
    private readonly Option<bool> _timestamps = new("--timestamps", "-t") { Description = "Before each line the time at which its first byte was captured, UTC." };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _stdout, _stderr, _both, _offset, _bytes, _tail, _tailBytes, _since, _timestamps, _follow, _noFollow })
            command.Options.Add(option);
        command.Validators.Add(result =>
        {
            OnlyOne([_stdout, _stderr, _both]);
            OnlyOne([_follow, _noFollow]);
            OnlyOne([_offset, _tail, _tailBytes, _since]);
            foreach (var option in new[] { _offset, _tailBytes })
                if (result.GetValue(_both) && Given(option)) result.AddError($"{option.Name}: counts the bytes of one stream; with --both begin with --tail or --since");

            void OnlyOne(Option[] options)
            {
                var given = options.Where(Given).Select(option => option.Name).ToList();
                if (given.Count > 1) result.AddError($"{string.Join(", ", given[..^1])} and {given[^1]}: only one of them");
            }

            bool Given(Option option) => result.GetResult(option) is { Implicit: false };
        });
    }

    /// <exception cref="BadOptionException">An option's value cannot be understood.</exception>
    public OutputWish Wish(ParseResult parsed) => new(
        parsed.GetValue(_both) ? null : parsed.GetValue(_stderr) ? OutputKind.Stderr : OutputKind.Stdout,
        Begin(parsed),
        !parsed.GetValue(_noFollow),
        parsed.GetValue(_bytes) is { } bytes ? Quantities.Size(_bytes.Name, bytes) : null,
        parsed.GetValue(_timestamps));

    /// <summary>What is wrong with a field of the API, said of the option that was typed; null when it was none.</summary>
    public string? InOptions(JobException e, ParseResult parsed) => e.Field switch
    {
        "tail_lines" => _tail,
        "tail_bytes" => _tailBytes,
        "limit_bytes" => _bytes,
        "since" => _since,
        _ => null,
    } is { } option && parsed.GetValue(option) is { } typed ? BadOptionException.Saying(option.Name, typed, e) : null;

    private OutputBegin Begin(ParseResult parsed) =>
        parsed.GetValue(_offset) is { } offset ? new OutputBegin.At(Quantities.Size(_offset.Name, offset))
        : parsed.GetValue(_tail) is { } lines ? new OutputBegin.LastLines(Count(_tail.Name, lines))
        : parsed.GetValue(_tailBytes) is { } bytes ? new OutputBegin.LastBytes(Quantities.Size(_tailBytes.Name, bytes))
        : parsed.GetValue(_since) is { } since ? new OutputBegin.Since(PointsInTime.Of(_since.Name, since, DateTimeOffset.UtcNow))
        : OutputBegin.Start;

    private static long Count(string option, string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count <= OutputWish.MostLines
            ? count
            : throw new BadOptionException($"{option} {Quoted.Short(text)}: must be a number of lines, 0 to {OutputWish.MostLines}");
}
