using System.Globalization;
using System.Text.RegularExpressions;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>What of a job's output `logs` can be asked for.</summary>
public sealed partial class LogsTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Fact]
    public async Task A_part_of_a_stream_is_printed_from_any_beginning()
    {
        var job = await server.ShellAsync("printf 'one\\ntwo\\nthree\\nfour'; printf 'e1\\ne2\\n' >&2");
        await server.EndAsync(job);
        foreach (var (words, expected) in new[]
        {
            ("--stdout", "one\ntwo\nthree\nfour"),
            ("-n 2", "three\nfour"),
            ("--tail 0", ""),
            ("--tail 1 --stderr", "e2\n"),
            ("--tail 100 --bytes 5", "one\nt"),
            ("--tail-bytes 6", "e\nfour"),
            ("--tail-bytes 1K", "one\ntwo\nthree\nfour"),
            ("--offset 4 --bytes 3", "two"),
            ("--offset 4 --no-follow", "two\nthree\nfour"),
            ("--offset 1M", ""),
            ("--since 1h", "one\ntwo\nthree\nfour"),
            ("--since 2020-01-01T00:00:00+01:00", "one\ntwo\nthree\nfour"),
            ("--since 9000-01-01T00:00:00.5Z", ""),
        })
            Assert.Equal((words, expected), (words, (await server.RunnerAsync(["logs", job, .. words.Split(' ')])).Expect(0).Output));
    }

    [Fact]
    public async Task Both_streams_go_where_they_would_have_gone_and_the_last_lines_count_for_both()
    {
        using var folder = new TemporaryFolder();
        var (first, second) = (folder.At("first"), folder.At("second"));
        (await ChildProcess.ShellAsync("mkfifo \"$@\"", first, second)).Expect(0);
        var job = await server.StartAsync("--", "sh", "-c", "echo out; read -r _ <\"$0\"; echo err >&2; read -r _ <\"$1\"; echo more", first, second);
        await using (var follower = server.Begin("logs", "--both", "-f", job))
        {
            // The next one is written when the former has been captured.
            await follower.OutputHasAsync("out\n");
            (await ChildProcess.ShellAsync("echo go >\"$1\"", first)).Expect(0);
            await follower.ErrorHasAsync("err\n");
            (await ChildProcess.ShellAsync("echo go >\"$1\"", second)).Expect(0);
            (await follower.EndAsync()).Expect(0);
        }
        var all = (await server.RunnerAsync("logs", "--both", job)).Expect(0);
        Assert.Equal(("out\nmore\n", "err\n"), (all.Output, all.Error));
        var last = (await server.RunnerAsync("logs", "--both", "--tail", "2", job)).Expect(0);
        Assert.Equal(("more\n", "err\n"), (last.Output, last.Error));

        // Into one file they come in the order in which they were captured.
        var one = await ChildProcess.RunAsync("/bin/bash", ["-c", "\"$0\" logs --both \"$1\" 2>&1", RunnerBinary.Path, job], server.Environment());
        Assert.Equal("out\nerr\nmore\n", one.Expect(0).Output);
    }

    [Fact]
    public async Task Each_line_gets_the_time_at_which_its_first_byte_was_captured_once()
    {
        using var folder = new TemporaryFolder();
        (await ChildProcess.ShellAsync("mkfifo \"$1\"", folder.At("gate"))).Expect(0);
        var job = await server.StartAsync("--", "sh", "-c", "echo one; printf hal; echo err >&2; read -r _ <\"$1\"; echo f; echo last", "sh", folder.At("gate"));
        await using var follower = server.Begin("logs", "-t", "-f", job);
        await follower.OutputHasAsync("hal");
        var between = DateTimeOffset.UtcNow;
        await File.WriteAllTextAsync(folder.At("gate"), "go\n", TestContext.Current.CancellationToken);
        var lines = Lines((await follower.EndAsync()).Expect(0).Output);
        Assert.Equal(["one", "half", "last"], lines.Select(line => line.Text));
        Assert.True(lines[0].Time <= lines[1].Time && lines[1].Time < between && between < lines[2].Time);

        var both = (await server.RunnerAsync("logs", "--both", "--timestamps", job)).Expect(0);
        Assert.Equal(lines, Lines(both.Output));
        Assert.Equal("err", Assert.Single(Lines(both.Error)).Text);

        var since = (await server.RunnerAsync("logs", "-t", "--since", between.UtcDateTime.ToString("O", CultureInfo.InvariantCulture), job)).Expect(0);
        Assert.Equal(["f", "last"], Lines(since.Output).Select(line => line.Text));
    }

    [Fact]
    public async Task A_merged_job_has_everything_in_the_order_of_the_writes_and_says_where_its_errors_are()
    {
        const string Script = "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done";
        const string Expected = "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\nout 4\nerr 4\nout 5\nerr 5\n";
        var job = await server.StartAsync("--merge", "--", "sh", "-c", Script);
        Assert.Equal(Expected, (await server.RunnerAsync("logs", job)).Expect(0).Output);
        Assert.Equal(Expected, (await server.RunnerAsync("logs", "--both", job)).Expect(0).Output);
        var ran = (await server.RunnerAsync("run", "--merge", "--", "sh", "-c", Script)).Expect(0);
        Assert.Equal((Expected, ""), (ran.Output, ran.Error));
        var errors = (await server.RunnerAsync("logs", "--stderr", job)).Expect(0);
        Assert.Equal(("", $"runner: job {job} was started with --merge: its standard error is in its standard output\n"), (errors.Output, errors.Error));
        Assert.True((await server.StatusAsync(job)).GetProperty("merge_output").GetBoolean());
    }

    [Theory]
    [InlineData("--tail x", "--tail x: must be a number of lines, 0 to 1000000000")]
    [InlineData("--tail 1000000001", "--tail 1000000001: must be a number of lines, 0 to 1000000000")]
    [InlineData("--bytes 0", "--bytes 0: must be at least 1")]
    [InlineData("--offset 1.5", "--offset 1.5: must be a size such as 512K, 10M, 1G or a number of bytes")]
    [InlineData("--since yesterday", "--since yesterday: must be a time such as 2026-11-22T08:00:00Z, a day such as 2026-11-22 (UTC), or how long ago such as 2h")]
    [InlineData("--since 2026-01-31T12:00:00", "--since 2026-01-31T12:00:00: must be a time such as 2026-11-22T08:00:00Z, a day such as 2026-11-22 (UTC), or how long ago such as 2h")]
    public async Task What_cannot_be_understood_is_refused_in_a_sentence(string words, string sentence)
    {
        var job = await server.ShellAsync("true");
        (await server.RunnerAsync(["logs", job, .. words.Split(' ')])).ExpectRefusal(2, sentence);
    }

    private static List<(DateTimeOffset Time, string Text)> Lines(string output) => [.. output.TrimEnd('\n').Split('\n').Select(line =>
    {
        var match = Stamped().Match(line);
        Assert.True(match.Success, line);
        return (DateTimeOffset.Parse(match.Groups["time"].Value, CultureInfo.InvariantCulture), match.Groups["text"].Value);
    })];

    [GeneratedRegex("^(?<time>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z) (?<text>.*)$")]
    private static partial Regex Stamped();
}
