using Runner.Cli;
using Runner.Jobs;
using Runner.Tests.Wire;
using Runner.Wire;

namespace Runner.Tests.Cli;

public sealed class JobTextTests
{
    [Fact]
    public void Every_end_has_words_and_an_exit_code_and_they_differ()
    {
        var told = RoundTripTests.Ends.Select(end => JobText.Block(View(end))).ToList();
        Assert.Equal(told.Count, told.Distinct().Count());
        Assert.All(RoundTripTests.Ends, end => Assert.InRange(JobText.ExitCodeOf(end), 0, 255));
    }

    [Fact]
    public void Every_kind_of_end_has_its_own_word_in_a_list_and_its_own_reason_in_JSON()
    {
        var kinds = RoundTripTests.Ends.DistinctBy(end => end.GetType()).ToList();
        Assert.Equal(kinds.Count, kinds.Select(end => new JobTable().Rows([View(end)])).Distinct().Count());
        Assert.Equal(kinds.Count, kinds.Select(end => JobJson.Of(View(end))).Distinct().Count());
    }

    [Fact]
    public void A_list_has_a_column_of_names_once_a_job_has_one_and_keeps_its_widths()
    {
        var (plain, table) = (View(new JobEnd.Exited(0)), new JobTable());
        var named = plain with { Record = plain.Record with { Spec = new() { Command = "true", Name = "nightly" } } };
        Assert.Equal(
            $"UUID                                  STATE     STARTED               OWNER  COMMAND\n{s_id}  exited 0  1970-01-01T00:00:00Z  anna   true",
            table.Start([plain]));
        Assert.Equal(
            $"{s_id}  exited 0  1970-01-01T00:00:00Z  anna   nightly  true\n{s_id}  exited 0  1970-01-01T00:00:00Z  anna   -        true",
            table.Rows([named, plain]));
        Assert.Equal($"{s_id}  exited 0  1970-01-01T00:00:00Z  anna   -        true", table.Rows([plain]));
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("", "''")]
    [InlineData("a b", "'a b'")]
    [InlineData("a' 'b", @"'a'\'' '\''b'")]
    [InlineData(@"back\slash", @"'back\slash'")]
    [InlineData("a\n'b\\", @"$'a\U0000000a\'b\\'")]
    public void A_word_of_a_command_is_shown_as_bash_would_read_it(string word, string shown) => Assert.Equal(shown, ShellWord.Of(word));

    [Fact]
    public void What_a_server_sends_never_acts_on_a_terminal()
    {
        const string Bad = "\u001b[31m\u202e\u0085\u2028";
        var view = View(new JobEnd.Lost(Bad));
        var spec = new JobSpec { Command = Bad, Args = [Bad], Name = Bad, Labels = new Dictionary<string, string> { [Bad] = Bad } };
        view = view with { Record = view.Record with { Owner = Bad, Spec = spec } };
        string[] shown = [new JobTable().Start([view]), JobText.Block(view), JobText.Remark(new JobEnd.CouldNotStart(Bad))!, JobJson.Of(view), JobJson.OnOneLine(view)];
        Assert.All(shown, text => Assert.DoesNotContain(text.EnumerateRunes(), rune => rune.Value != '\n' && Quoted.ActsOnTerminals(rune)));
        Assert.Equal(Bad, System.Text.Json.JsonDocument.Parse(shown[3]).RootElement.GetProperty("owner").GetString());
    }

    [Fact]
    public void Letters_of_any_language_stay_readable_in_JSON()
    {
        var view = View(new JobEnd.Exited(0));
        Assert.Contains("Zoë 日本 <&>", JobJson.Of(view with { Record = view.Record with { Owner = "Zoë 日本 <&>" } }));
    }

    private static readonly JobId s_id = JobId.New();

    private static JobView View(JobEnd end)
    {
        var state = new JobState.Ended(DateTimeOffset.UnixEpoch, end, ResourceUsage.None, 0, 0);
        var record = new JobRecord(s_id, new() { Command = "true" }, "anna", 1, ResourceLimits.None, DateTimeOffset.UnixEpoch, state);
        return new(record, ResourceUsage.None, 0, 0);
    }
}
