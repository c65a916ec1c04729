using System.Text.Json.Serialization.Metadata;
using Google.Protobuf.Reflection;
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

    [Fact]
    public void What_was_asked_for_is_shown_where_the_machine_made_something_else_of_it()
    {
        var view = View(new JobEnd.Exited(0));
        var asked = new ResourceLimits(0.333333, (64 << 20) + 1, 10, SwapBytes: 8 << 20, Io: new(["/var"], ReadBps: 1 << 20));
        var applied = new ResourceLimits(0.33333, 64 << 20, 10, SwapBytes: 4 << 20, Io: new(["8:0"], ReadBps: 1 << 20));
        var shown = JobText.Block(view with { Record = view.Record with { Spec = view.Record.Spec with { Limits = asked }, Applied = applied } });
        Assert.Contains("(limit 64 MiB, asked for 67108865) (swap 4 MiB, asked for 8 MiB)", shown);
        Assert.Contains("(limit 10)\n", shown);
        Assert.Contains("1 MiB/s read on 8:0 (asked for /var)", shown);
        Assert.DoesNotContain("asked", JobText.Block(view with { Record = view.Record with { Spec = view.Record.Spec with { Limits = asked }, Applied = asked } }));
    }

    [Fact]
    public void Everything_the_record_tells_stands_in_the_block_and_in_JSON()
    {
        var second = TimeSpan.FromSeconds(1);
        var usage = new ResourceUsage
        {
            CpuTotal = 3 * second, CpuUser = 2 * second, CpuSystem = second, Throttled = second, Memory = 0, MemoryPeak = 1 << 20, OomKills = 2,
            Pids = 0, PidsPeak = 9, ReadBytes = 4096, ReadOperations = 1, WrittenBytes = 8192, WrittenOperations = 2,
            VoluntarySwitches = 30, InvoluntarySwitches = 40, CpuPressure = new(5 * second, TimeSpan.Zero), MemoryPressure = new(6 * second, 7 * second), IoPressure = new(8 * second, null),
        };
        var view = View(new JobEnd.TimedOut(new ProcessExit.Signaled(11, true)));
        var state = ((JobState.Ended)view.Record.State) with { Usage = usage, LeftoverProcesses = 3 };
        view = view with { Usage = usage, Record = view.Record with { State = state, Spec = view.Record.Spec with { Timeout = 90 * second } } };
        string[] rows =
        [
            "state    ended: stopped at its time limit (killed by SIGSEGV, core dumped)", "timeout  1 m 30 s", "leftover 3 processes, killed when the main one had gone",
            "cpu      3 s (2 s user, 1 s system), held back 1 s", "memory   0 B, peak 1 MiB, 2 killed for want of memory", "pids     0, peak 9",
            "disk     4 KiB read in 1 request, 8 KiB written in 2 requests", "pressure cpu 5 s, memory 6 s (the whole job 7 s), io 8 s", "switches 30 voluntary, 40 involuntary",
        ];
        Assert.All(rows, row => Assert.Contains(row, JobText.Block(view).Split('\n')));

        var json = System.Text.Json.JsonDocument.Parse(JobJson.Of(view)).RootElement;
        Assert.Equal((90, 3, true), (json.GetProperty("timeout_seconds").GetDouble(), json.GetProperty("end").GetProperty("leftover_processes").GetInt32(), json.GetProperty("end").GetProperty("core_dumped").GetBoolean()));
        var used = json.GetProperty("usage");
        string[] figures = ["read_operations", "written_operations", "pids_peak", "voluntary_switches", "involuntary_switches"];
        Assert.Equal([1, 2, 9, 30, 40], figures.Select(figure => used.GetProperty(figure).GetInt64()));
        Assert.Equal((6, 7), (used.GetProperty("memory_pressure").GetProperty("some_seconds").GetDouble(), used.GetProperty("memory_pressure").GetProperty("full_seconds").GetDouble()));
        Assert.False(used.GetProperty("io_pressure").TryGetProperty("full_seconds", out _));
    }

    [Fact]
    public void A_disk_that_failed_is_told_with_the_output()
    {
        var view = View(new JobEnd.Exited(0));
        view = view with { Record = view.Record with { State = (JobState.Ended)view.Record.State with { DiskFailed = true } } };
        Assert.Contains("output   0 B stdout, 0 B stderr; the server's disk failed while this was written: bytes may be lost", JobText.Block(view).Split('\n'));
    }

    [Fact]
    public void What_was_asked_for_is_in_JSON_with_every_field_the_API_has()
    {
        AssertHas(JobJsonContext.Default.JsonJob, V1.JobSpec.Descriptor, ("grace_period", "grace_seconds"), ("timeout", "timeout_seconds"));
        AssertHas(JobJsonContext.Default.JsonLimits, V1.Limits.Descriptor);
        AssertHas(JobJsonContext.Default.JsonUsage, V1.Usage.Descriptor,
            ("cpu_total", "cpu_seconds"), ("cpu_user", "cpu_user_seconds"), ("cpu_system", "cpu_system_seconds"), ("throttled", "throttled_seconds"));

        static void AssertHas(JsonTypeInfo json, MessageDescriptor api, params (string Api, string Json)[] others)
        {
            var renamed = others.ToDictionary(other => other.Api, other => other.Json);
            var expected = api.Fields.InDeclarationOrder().Select(field => renamed.GetValueOrDefault(field.Name, field.Name));
            Assert.Empty(expected.Except(json.Properties.Select(property => property.Name)));
        }
    }

    [Fact]
    public void That_output_was_pruned_and_when_stands_in_the_block_and_in_JSON()
    {
        var view = View(new JobEnd.Exited(0));
        var state = ((JobState.Ended)view.Record.State) with { PrunedAt = DateTimeOffset.UnixEpoch.AddDays(1) };
        view = view with { StdoutBytes = 2048, Stdout = new(2048, 2048, "ab"), Record = view.Record with { State = state } };
        string[] rows = ["output   2 KiB stdout, 0 B stderr; pruned 1970-01-02T00:00:00Z: nothing of it is kept", "sha256   ab stdout"];
        Assert.All(rows, row => Assert.Contains(row, JobText.Block(view).Split('\n')));
        var output = System.Text.Json.JsonDocument.Parse(JobJson.Of(view)).RootElement.GetProperty("output");
        Assert.Equal(("1970-01-02T00:00:00Z", 2048), (output.GetProperty("pruned_at").GetString(), output.GetProperty("stdout_kept_from").GetInt64()));
    }

    [Fact]
    public void A_long_command_is_cut_in_a_table_and_whole_in_the_block()
    {
        var (view, words) = (View(new JobEnd.Exited(0)), new string('x', 100_000));
        view = view with { Record = view.Record with { Spec = new() { Command = "echo", Args = [words] } } };
        Assert.EndsWith($"  echo {new string('x', 59)}…", new JobTable().Rows([view]));
        Assert.Contains($"command  echo {words}\n", JobText.Block(view));
    }

    private static readonly JobId s_id = JobId.New();

    private static JobView View(JobEnd end)
    {
        var state = new JobState.Ended(DateTimeOffset.UnixEpoch, end, ResourceUsage.None, 0, 0);
        var record = new JobRecord(s_id, new() { Command = "true" }, "anna", 1, ResourceLimits.None, DateTimeOffset.UnixEpoch, state);
        return new(record, ResourceUsage.None, 0, 0);
    }
}
