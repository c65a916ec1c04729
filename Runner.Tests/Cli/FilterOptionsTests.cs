using System.CommandLine;
using Runner.Cli;
using Runner.Jobs;

namespace Runner.Tests.Cli;

public sealed class FilterOptionsTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("--state", "ready", "must be running or ended")]
    [InlineData("--reason", "died", "must be one of exited, signaled, out-of-memory, timed-out, stopped, output-limit, could-not-start, lost")]
    [InlineData("--exit", "some", "must be 0 to 255, or nonzero")]
    [InlineData("--exit", "-1", "must be 0 to 255, or nonzero")]
    [InlineData("--exit", "256", "must be 0 to 255")]
    [InlineData("--label", "a b=c", "must be 1 to 128 letters, digits, '.', '_' or '-'")]
    [InlineData("--label", "=c", "must be 1 to 128 letters, digits, '.', '_' or '-'")]
    [InlineData("--name", "a b", "must be 1 to 128 letters, digits, '.', '_' or '-'")]
    [InlineData("--since", "yesterday", "must be a time such as 2026-11-22T08:00:00Z, a day such as 2026-11-22 (UTC), or how long ago such as 2h")]
    [InlineData("--since", "20261122", "must be a time such as 2026-11-22T08:00:00Z, a day such as 2026-11-22 (UTC), or how long ago such as 2h")]
    [InlineData("--until", "2026-02-30", "must be a time such as 2026-11-22T08:00:00Z, a day such as 2026-11-22 (UTC), or how long ago such as 2h")]
    public void What_is_no_filter_is_told_in_one_sentence_with_what_is_one(string option, string value, string valid) =>
        Assert.Equal($"{option} {value}: {valid}", Refused($"{option}={value}"));

    [Theory]
    [InlineData("--state running --exit 1", "--state running: must not come with a reason or an exit code, which only ended jobs have")]
    [InlineData("--since 1h --until 2h", "--until 2h: must be later than since (2026-11-22T11:00:00Z)")]
    public void Filters_that_contradict_each_other_are_told(string words, string sentence) => Assert.Equal(sentence, Refused(words.Split(' ')));

    [Theory]
    [InlineData("2h", "2026-11-22T10:00:00Z"), InlineData("1d", "2026-11-21T12:00:00Z"), InlineData("2026-11-20", "2026-11-20T00:00:00Z")]
    [InlineData("2026-11-20T01:02:03Z", "2026-11-20T01:02:03Z"), InlineData("2026-11-20 01:02:03.5+01:00", "2026-11-20T00:02:03Z")]
    public void A_time_is_an_instant_a_day_or_how_long_ago(string text, string since) =>
        Assert.Equal(since, Rfc3339.Show(Read("--since", text).Since!.Value));

    [Fact]
    public void A_label_may_have_any_value_an_empty_one_or_one_with_equals_signs() =>
        Assert.Equal([new("a", null), new("b", ""), new("c", "d=e")], Read("-l", "a", "--label", "b=", "--label", "c=d=e").Labels);

    private static string? Refused(params string[] words)
    {
        var (options, parsed) = Parse(words);
        var e = Record.Exception(() => options.Filter(parsed, s_now));
        return e is JobException rule ? options.InOptions(rule, parsed) : Assert.IsType<BadOptionException>(e).Message;
    }

    private static JobFilter Read(params string[] words)
    {
        var (options, parsed) = Parse(words);
        return options.Filter(parsed, s_now);
    }

    private static (FilterOptions Options, ParseResult Parsed) Parse(string[] words)
    {
        var (options, command) = (new FilterOptions(), new Command("list"));
        options.AddTo(command);
        return (options, command.Parse(words));
    }
}
