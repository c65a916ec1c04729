using Runner.Jobs;

namespace Runner.Tests.Jobs;

/// <summary>Filters that no job could pass are refused, each in a sentence.</summary>
public sealed class JobFilterTests
{
    private static readonly DateTimeOffset s_time = DateTimeOffset.UnixEpoch;

    public static TheoryData<string, string> Bad => new()
    {
        { "filter.reason", "reason 'died': must be one of exited, signaled, out-of-memory, timed-out, stopped, output-limit, could-not-start, lost" },
        { "filter.exit_code", "exit code 256: must be 0 to 255" },
        { "filter.failed", "failed: must not come with exit code 1" },
        { "filter.state", "state running: must not come with a reason or an exit code, which only ended jobs have" },
        { "filter.labels", "labels: 65 of them; at most 64" },
        { "filter.labels[1]", "label 'a b': must be 1 to 128 letters, digits, '.', '_' or '-'" },
        { "filter.name", "name '*': must be 1 to 128 letters, digits, '.', '_' or '-'" },
        { "filter.started_until", "until 1970-01-01T00:00:00Z: must be later than since (1970-01-01T00:00:00Z)" },
    };

    [Theory, MemberData(nameof(Bad))]
    public void A_filter_that_no_job_could_pass_is_refused(string field, string sentence)
    {
        var filter = field switch
        {
            "filter.reason" => new JobFilter { Reason = "died" },
            "filter.exit_code" => new() { ExitCode = 256 },
            "filter.failed" => new() { Failed = true, ExitCode = 1 },
            "filter.state" => new() { Running = true, Failed = true },
            "filter.labels" => new() { Labels = [.. Enumerable.Repeat(new LabelFilter("a", null), 65)] },
            "filter.labels[1]" => new() { Labels = [new("a", null), new("a b", null)] },
            "filter.name" => new() { Name = "*" },
            _ => new() { Since = s_time, Until = s_time },
        };
        var e = Assert.Throws<JobException>(filter.Check);
        Assert.Equal((JobError.BadField, field, sentence), (e.Error, e.Field, e.Message));
    }

    [Fact]
    public void An_exit_code_is_what_a_shell_would_tell_and_who_has_none_failed()
    {
        (JobEnd End, int? Code)[] rows =
        [
            (new JobEnd.Exited(0), 0), (new JobEnd.Exited(3), 3), (new JobEnd.Signaled(11, false), 139),
            (new JobEnd.Stopped("anna", new ProcessExit.Exited(0)), 0), (new JobEnd.Stopped("anna", new ProcessExit.Signaled(15, false)), 143),
            (new JobEnd.OutOfMemory(new ProcessExit.Signaled(9, false)), 137), (new JobEnd.Lost(""), null), (new JobEnd.CouldNotStart(""), null),
        ];
        Assert.All(rows, row =>
        {
            var record = new JobRecord(
                JobId.New(), new() { Command = "x" }, "anna", 1, ResourceLimits.None, s_time, new JobState.Ended(s_time, row.End, ResourceUsage.None, 0, 0));
            Assert.Equal(row.Code is not null, row.Code is { } code && new JobFilter { ExitCode = code }.Matches(record));
            Assert.Equal(row.Code is not 0, new JobFilter { Failed = true }.Matches(record));
        });
    }
}
