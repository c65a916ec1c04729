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
        Assert.Equal(kinds.Count, kinds.Select(end => JobText.Line(View(end))).Distinct().Count());
        Assert.Equal(kinds.Count, kinds.Select(end => JobJson.Of(View(end))).Distinct().Count());
    }

    private static readonly JobId s_id = JobId.New();

    private static JobView View(JobEnd end)
    {
        var state = new JobState.Ended(DateTimeOffset.UnixEpoch, end, ResourceUsage.None, 0, 0);
        var record = new JobRecord(s_id, new() { Command = "true" }, "anna", 1, ResourceLimits.None, DateTimeOffset.UnixEpoch, state);
        return new(record, ResourceUsage.None, 0, 0);
    }
}
