using FsCheck;
using FsCheck.Fluent;
using Runner.Jobs;

namespace Runner.Tests.Jobs;

public sealed class JobRulesTests
{
    private static readonly JobSpec s_good = new() { Command = "true" };

    // What is asked, the field at fault as the API names it, and what the message says.
    private static readonly (JobSpec Spec, string Field, string Says)[] s_bad =
    [
        (s_good with { Command = "" }, "spec.command", "must not be empty"),
        (s_good with { Command = "./x" }, "spec.command", "absolute path"),
        (s_good with { Command = "a\0b" }, "spec.command", "NUL"),
        (s_good with { Args = ["a", ""] }, "spec.args[1]", "unless allow_empty_args is set"),
        (s_good with { Args = ["a\0"] }, "spec.args[0]", "NUL"),
        (s_good with { Args = [new string('x', 128 * 1024)] }, "spec.args[0]", "at most 131071 bytes"),
        (s_good with { Env = new Dictionary<string, string> { [""] = "x" } }, "spec.env[]", "must not be empty"),
        (s_good with { Env = new Dictionary<string, string> { ["A=B"] = "x" } }, "spec.env[A=B]", "'='"),
        (s_good with { Env = new Dictionary<string, string> { ["A"] = "x\0" } }, "spec.env[A]", "NUL"),
        (s_good with { WorkingDirectory = "tmp" }, "spec.working_directory", "absolute"),
        (s_good with { Command = "a\uFFFD" }, "spec.command", "bytes that are not UTF-8"),
        (s_good with { Args = ["x", "a\uFFFD"] }, "spec.args[1]", "argument 2: holds U+FFFD, which stands for bytes that are not UTF-8"),
        (s_good with { Env = new Dictionary<string, string> { ["A\uFFFD"] = "x" } }, "spec.env[A\uFFFD]", "bytes that are not UTF-8"),
        (s_good with { Env = new Dictionary<string, string> { ["A"] = "\uFFFD" } }, "spec.env[A]", "bytes that are not UTF-8"),
        (s_good with { WorkingDirectory = "/\uFFFD" }, "spec.working_directory", "bytes that are not UTF-8"),
        (s_good with { Name = "a b" }, "spec.name", "letters"),
        (s_good with { Name = new string('n', 129) }, "spec.name", "128"),
        (s_good with { Labels = new Dictionary<string, string> { ["a"] = "\u001b[31m" } }, "spec.labels[a]", "control"),
        (s_good with { Labels = new Dictionary<string, string> { ["a/b"] = "x" } }, "spec.labels[a/b]", "letters"),
        (s_good with { Limits = new(Cpus: 0) }, "spec.limits.cpus", "0.01"),
        (s_good with { Limits = new(Cpus: -1) }, "spec.limits.cpus", "0.01"),
        (s_good with { Limits = new(Cpus: double.NaN) }, "spec.limits.cpus", "0.01"),
        (s_good with { Limits = new(Cpus: double.PositiveInfinity) }, "spec.limits.cpus", "0.01"),
        (s_good with { Limits = new(MemoryBytes: 0) }, "spec.limits.memory_bytes", "1 MiB"),
        (s_good with { Limits = new(MemoryBytes: long.MaxValue) }, "spec.limits.memory_bytes", "1 PiB"),
        (s_good with { Limits = new(Pids: 0) }, "spec.limits.pids", "1 to"),
        (s_good with { Limits = new(SwapBytes: 1) }, "spec.limits.swap_bytes", "with a memory limit"),
        (s_good with { Limits = new(MemoryBytes: 1 << 20, SwapBytes: -1) }, "spec.limits.swap_bytes", "1 PiB"),
        (s_good with { Limits = new(MemoryHighBytes: 1) }, "spec.limits.memory_high_bytes", "1 MiB"),
        (s_good with { Limits = new(IoWeight: 0) }, "spec.limits.io_weight", "1 to 10000"),
        (s_good with { Limits = new(Io: new([], ReadBps: 1)) }, "spec.limits.read_bps", "must come with a device"),
        (s_good with { Limits = new(Io: new(["8:0"], WriteBps: 0)) }, "spec.limits.write_bps", "must be 1 to"),
        (s_good with { Limits = new(Io: new(["8:0"], ReadIops: 1L << 32)) }, "spec.limits.read_iops", "1 to 4294967294"),
        (s_good with { Limits = new(Io: new(["8:0"], WriteIops: -1)) }, "spec.limits.write_iops", "1 to 4294967294"),
        (s_good with { Limits = new(Io: new(["8:0"])) }, "spec.limits.devices[0]", "must come with a rate"),
        (s_good with { Limits = new(Io: new(["8:0", "sda"], ReadBps: 1)) }, "spec.limits.devices[1]", "MAJOR:MINOR or an absolute path"),
        (s_good with { Limits = new(Io: new(["/a\0"], ReadBps: 1)) }, "spec.limits.devices[0]", "NUL"),
        (s_good with { Limits = new(Io: new([.. Enumerable.Repeat("8:0", 17)], ReadBps: 1)) }, "spec.limits.devices", "at most 16"),
        (s_good with { Limits = new(CpuWeight: 0) }, "spec.limits.cpu_weight", "1 to 10000"),
        (s_good with { Limits = new(CpuWeight: 10_001) }, "spec.limits.cpu_weight", "1 to 10000"),
        (s_good with { GracePeriod = TimeSpan.FromSeconds(-1) }, "spec.grace_period", "1 hour"),
        (s_good with { GracePeriod = TimeSpan.FromHours(2) }, "spec.grace_period", "1 hour"),
        (s_good with { Timeout = TimeSpan.Zero }, "spec.timeout", "more than 0 s and at most 3650 days"),
        (s_good with { Timeout = TimeSpan.FromTicks(-1) }, "spec.timeout", "more than 0 s"),
        (s_good with { Timeout = TimeSpan.FromDays(3650) + TimeSpan.FromTicks(1) }, "spec.timeout", "3650 days"),
    ];

    [Fact]
    public void A_bad_field_is_named_with_what_is_valid() => Assert.All(s_bad, row =>
    {
        var e = Assert.Throws<JobException>(() => JobRules.Check(row.Spec));
        Assert.Equal((JobError.BadField, row.Field), (e.Error, e.Field));
        Assert.Contains(row.Says, e.Message);
    });

    [Fact]
    public void No_message_speaks_of_the_options_of_one_client() =>
        Assert.All(s_bad, row => Assert.DoesNotContain("--", Assert.Throws<JobException>(() => JobRules.Check(row.Spec)).Message));

    [Fact]
    public void What_would_be_valid_stands_after_the_last_colon() => Assert.All(s_bad, row =>
        Assert.Matches("^[^:]+(:.*)?: (must|its value must|holds|a name must|[0-9]+ of them)", Assert.Throws<JobException>(() => JobRules.Check(row.Spec)).Message));

    [Fact]
    public void The_edges_of_what_is_valid_are_valid() => Assert.All(
        new[]
        {
            s_good,
            s_good with { Args = [""], AllowEmptyArgs = true },
            s_good with { Limits = new(0.01, 1 << 20, 1), GracePeriod = TimeSpan.Zero },
            s_good with { Limits = new(10_000, 1L << 50, 4_194_304), GracePeriod = TimeSpan.FromHours(1) },
            s_good with { Timeout = TimeSpan.FromTicks(1) },
            s_good with { Timeout = TimeSpan.FromDays(3650) },
            s_good with { Args = [new string('x', (128 * 1024) - 1)], Name = new string('n', 128) },
        },
        JobRules.Check);

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("../../etc/passwd")]
    [InlineData("0199d3c4-5f2e-7a10-8c3b-2f6f1d9be00")]
    [InlineData(" 0199d3c4-5f2e-7a10-8c3b-2f6f1d9be001")]
    [InlineData("{0199d3c4-5f2e-7a10-8c3b-2f6f1d9be001}")]
    [InlineData("0199d3c45f2e7a108c3b2f6f1d9be001")]
    [InlineData("0x99d3c4-5f2e-7a10-8c3b-2f6f1d9be001")]
    [InlineData("+199d3c4-5f2e-7a10-8c3b-2f6f1d9be001")]
    [InlineData("0199d3c4-0x2e-7a10-8c3b-2f6f1d9be001")]
    [InlineData("0199d3c4-5f2e-+a10-8c3b-2f6f1d9be001")]
    [InlineData("0199d3c4-5f2e-7a10-8c3b-0x6f1d9be001")]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    public void What_is_no_UUID_is_no_job_id(string text) => Assert.Equal(JobError.BadJobId, Assert.Throws<JobException>(() => JobId.Parse(text)).Error);

    [Fact]
    public void A_job_id_has_one_spelling()
    {
        var id = JobId.New();
        Assert.Equal(id, JobId.Parse(id.ToString().ToUpperInvariant()));
        Assert.Matches("^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", id.ToString());
    }

    [Fact]
    public void Quoted_text_never_acts_on_a_terminal() =>
        Prop.ForAll<string>(text => !Quoted.Line(text ?? "").Any(char.IsControl)).QuickCheckThrowOnFailure();
}
