using Runner.Cli;

namespace Runner.Tests.Cli;

public sealed class UsageTests
{
    [Theory]
    [InlineData("foo", "no such command foo; see runner --help")]
    [InlineData("strat -- true", "no such command strat; did you mean start?; see runner --help")]
    [InlineData("", "no command given; see runner --help")]
    [InlineData("certs", "no command given; see runner certs --help")]
    [InlineData("stop a b", "'b': one word too many; see runner stop --help")]
    [InlineData("status --jsn a", "no such option --jsn; did you mean --json?; see runner status --help")]
    [InlineData("list --xyz", "no such option --xyz; see runner list --help")]
    [InlineData("--hepl", "no such option --hepl; did you mean --help?; see runner --help")]
    [InlineData("list --version", "no such option --version; see runner list --help")]
    [InlineData("serve --cgroup=", "Required argument missing for option: '--cgroup'; see runner serve --help")]
    [InlineData("start --cwd= -- ls -a", "Required argument missing for option: '--cwd'; see runner start --help")]
    [InlineData("logs -f --no-follow a", "--follow and --no-follow: only one of them; see runner logs --help")]
    [InlineData("logs --stderr --both a", "--stderr and --both: only one of them; see runner logs --help")]
    [InlineData("logs --offset 1 -n 2 --since 5m a", "--offset, --tail and --since: only one of them; see runner logs --help")]
    [InlineData("logs --both --offset 1 a", "--offset: counts the bytes of one stream; with --both begin with --tail or --since; see runner logs --help")]
    [InlineData("logs --both --tail-bytes 1 a", "--tail-bytes: counts the bytes of one stream; with --both begin with --tail or --since; see runner logs --help")]
    [InlineData("\u001b[31m", "no such command \\u{1b}[31m; see runner --help")]
    public void What_is_no_command_line_is_told_in_one_sentence(string words, string sentence)
    {
        var (code, output, error) = Run(words.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal((2, "", $"runner: {sentence}\n"), (code, output, error));
    }

    [Theory]
    [InlineData("--help", "  runner [command] [options]")]
    [InlineData("-h", "  runner [command] [options]")]
    [InlineData("-?", "  runner [command] [options]")]
    [InlineData("list --help", "  runner list [options]")]
    [InlineData("certs init -h", "  runner certs init [options]")]
    public void Help_is_there_for_the_whole_and_for_every_command(string words, string usage)
    {
        var (code, output, error) = Run(words.Split(' '));
        Assert.Equal((0, ""), (code, error));
        Assert.Contains(usage + "\n", output, StringComparison.Ordinal);
        Assert.Contains("  -?, -h, --help ", output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_bare_version_can_be_asked_for() => Assert.Equal((0, $"{VersionCommand.Version}\n", ""), Run("--version"));

    [Theory, InlineData("--cwd"), InlineData("--server"), InlineData("--cert"), InlineData("--key"), InlineData("--ca"), InlineData("--memory"), InlineData("--id")]
    public void An_option_that_is_there_and_empty_is_not_taken_for_absent(string option) =>
        Assert.Equal((2, "", $"runner: {option}: must not be empty; see runner start --help\n"), Run("start", option, "", "--", "true"));

    [Fact]
    public void An_empty_word_of_the_job_is_no_empty_option() =>
        Assert.DoesNotContain("must not be empty; see", Run("start", "--server", "x y", "--", "echo", "").Error);

    [Fact]
    public void What_nobody_thought_of_is_one_sentence_and_125()
    {
        var (code, _, error) = Run(["doctor"], () => throw new FormatException("odd\u001b[31m"));
        Assert.Equal(125, code);
        Assert.StartsWith("runner: internal error: odd\\u{1b}[31m (FormatException", error, StringComparison.Ordinal);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Output_that_cannot_be_written_is_one_sentence_and_125()
    {
        using var error = new StringWriter();
        using var full = new Full();
        Assert.Equal(125, CommandLine.Run(["version"], (_, _, _) => Task.FromResult(0), () => [], full, error));
        Assert.Equal("runner: cannot write the output: No space left on device\n", error.ToString());
    }

    private static (int Code, string Output, string Error) Run(params string[] args) => Run(args, () => []);

    private static (int Code, string Output, string Error) Run(string[] args, Func<IReadOnlyList<Runner.Jobs.Capability>> examine)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (CommandLine.Run(args, (_, _, _) => Task.FromResult(0), examine, output, error), output.ToString(), error.ToString());
    }

    private sealed class Full : StringWriter
    {
        public override void WriteLine(string? value) => throw new OutputClosedException("cannot write the output: No space left on device", broken: false);
    }
}
