using Runner.Jobs;

namespace Runner.Tests.Jobs;

/// <summary>How people name a job, and what can be no name of one.</summary>
public sealed class JobReferenceTests
{
    [Theory]
    [InlineData("nightly", "nightly", null)]
    [InlineData("cafe", "cafe", "cafe")]
    [InlineData("CAFE", "CAFE", "cafe")]
    [InlineData("caf", "caf", null)]
    [InlineData("0199d3c4-5F", "0199d3c4-5F", "0199d3c4-5f")]
    [InlineData("0199d3c4-5f2e-7a10-8c3b-2f6f1d9be001", "0199d3c4-5f2e-7a10-8c3b-2f6f1d9be001", "0199d3c4-5f2e-7a10-8c3b-2f6f1d9be001")]
    [InlineData("0199d3c45", "0199d3c45", null)]
    [InlineData("cafe-", "cafe-", null)]
    [InlineData("-x", "-x", null)]
    public void A_word_is_a_name_or_the_start_of_a_uuid_or_both(string text, string? name, string? start) =>
        Assert.Equal(new JobReference.Word(text, name, start), JobReference.Parse(text));

    [Theory]
    [InlineData("pid:42", 42, null)]
    [InlineData("pid:42@2026-11-22T08:00:00Z", 42, "2026-11-22T08:00:00Z")]
    [InlineData("pid:42@2026-11-22 08:00:00Z", 42, "2026-11-22T08:00:00Z")]
    [InlineData("pid:42@2026-11-22T08:00:00.9876543Z", 42, "2026-11-22T08:00:00Z")]
    [InlineData("pid:42@2026-11-22T09:30:00+01:30", 42, "2026-11-22T08:00:00Z")]
    public void A_process_id_may_come_with_the_second_its_job_started_in(string text, int pid, string? second)
    {
        var process = Assert.IsType<JobReference.Process>(JobReference.Parse(text));
        Assert.Equal((pid, second), (process.Pid, process.Second is { } at ? Rfc3339.Show(at) : null));
        Assert.Equal(process, JobReference.Parse(process.ToString()));
    }

    [Theory]
    [InlineData(""), InlineData("../../etc/passwd"), InlineData("a b"), InlineData("ünlaut"), InlineData("nightly:1"), InlineData("pid:"), InlineData("pid:0")]
    [InlineData("pid:-1"), InlineData("pid:+1"), InlineData("pid: 1"), InlineData("pid:99999999999"), InlineData("pid:1@"), InlineData("pid:1@yesterday")]
    [InlineData("pid:1@2026-11-22"), InlineData("pid:1@2026-11-22T08:00:00"), InlineData("pid:1@2026-02-30T08:00:00Z"), InlineData("PID:1")]
    public void What_can_name_no_job_is_refused_with_what_can(string text)
    {
        var e = Assert.Throws<JobException>(() => JobReference.Parse(text));
        Assert.Equal((JobError.BadField, $"job '{text}': {JobReference.Valid}"), (e.Error, e.Message));
    }

    [Fact]
    public void A_process_of_the_last_second_there_is_matches_without_running_out_of_time()
    {
        var record = new JobRecord(JobId.New(), new() { Command = "x" }, "anna", 1, ResourceLimits.None, DateTimeOffset.MaxValue, new JobState.Running());
        Assert.True(JobReference.Parse("pid:1@9999-12-31T23:59:59Z").Matches(record));
        Assert.False(JobReference.Parse("pid:1@9999-12-31T23:59:58Z").Matches(record));
    }
}
