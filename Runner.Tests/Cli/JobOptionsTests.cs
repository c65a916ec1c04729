using Runner.Certificates;
using Runner.Cli;
using Runner.Tests.Server;

namespace Runner.Tests.Cli;

public sealed class JobOptionsTests : IDisposable
{
    private readonly TlsWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData("--memory", "0", "must be at least 1 MiB (1048576) and at most 1 PiB")]
    [InlineData("--memory", "1K", "must be at least 1 MiB (1048576) and at most 1 PiB")]
    [InlineData("--cpu", "NaN", "must be 0.01 to 10000 cores")]
    [InlineData("--cpu", "0", "must be 0.01 to 10000 cores")]
    [InlineData("--pids", "-3", "must be 1 to 4194304")]
    [InlineData("--pids", "x", "must be a whole number, 1 to 4194304")]
    [InlineData("--pids", "99999999999999999999", "must be a whole number, 1 to 4194304")]
    [InlineData("--memory", "99999999999999999999", "must be at most 1P")]
    [InlineData("--memory", "99999999999999999999999999999999999999999999", "must be at most 1P")]
    [InlineData("--memory", "10MB/s", "must be a size such as 512K, 10M, 1G or a number of bytes")]
    [InlineData("--cpu-weight", "0", "must be 1 to 10000")]
    [InlineData("--swap", "1M", "must come with a memory limit")]
    [InlineData("--memory-high", "1K", "must be at least 1 MiB (1048576) and at most 1 PiB")]
    [InlineData("--io-weight", "0", "must be 1 to 10000")]
    [InlineData("--io-bps", "1M", "needs --device, such as --device /var for the disk that /var is on")]
    [InlineData("--device", "8:0", "needs a rate such as --io-bps 10M")]
    [InlineData("--grace", "2h", "must be 0 s to 1 hour")]
    [InlineData("--cwd", "a: b", "must be absolute")]
    [InlineData("--name", "a b", "must be 1 to 128 letters, digits, '.', '_' or '-'")]
    [InlineData("--id", "x", "must be a UUID such as 0199d3c4-5f2e-7a10-8c3b-2f6f1d9be001")]
    public void A_value_that_breaks_a_rule_is_told_as_it_was_typed(string option, string value, string rule) =>
        Assert.Equal((2, $"runner: {option} {value}: {rule}\n"), Start($"{option}={value}", "--", "true"));

    [Theory]
    [InlineData("--label", "a/b=c", "--label a/b: must be 1 to 128 letters")]
    [InlineData("--label", "a", "--label a: must be KEY=VALUE")]
    [InlineData("--env", "a", "--env a: must be NAME=VALUE")]
    [InlineData("--env", "A=\uFFFD", "--env A: holds U+FFFD")]
    public void A_pair_that_breaks_a_rule_is_told_by_its_name(string option, string value, string sentence) =>
        Assert.StartsWith($"runner: {sentence}", Start(option, value, "--", "true").Error, StringComparison.Ordinal);

    [Theory]
    [InlineData("runner: --io-bps 0: must be 1 to 1125899906842624\n", "--io-bps", "0", "--device", "8:0")]
    [InlineData("runner: --write-bps 0: must be 1 to 1125899906842624\n", "--io-bps", "1M", "--write-bps", "0", "--device", "8:0")]
    [InlineData("runner: device 'sda': must be MAJOR:MINOR or an absolute path\n", "--read-iops", "1", "--device", "sda")]
    public void A_rate_that_breaks_a_rule_is_told_by_the_option_it_came_from(string sentence, params string[] words) =>
        Assert.Equal((2, sentence), Start([.. words, "--", "true"]));

    [Fact]
    public void An_empty_argument_is_refused_with_the_option_that_allows_it() =>
        Assert.Equal((2, "runner: argument 1: must not be empty unless --allow-empty-args is given\n"), Start("--", "echo", ""));

    [Fact]
    public void An_argument_that_is_not_UTF_8_is_refused() =>
        Assert.Equal((2, "runner: argument 1: holds U+FFFD, which stands for bytes that are not UTF-8; it must be UTF-8\n"), Start("--", "echo", "\uFFFD"));

    [Theory]
    [InlineData("no such option --cpus; did you mean --cpu?; see runner start --help", "--cpus", "1", "--", "true")]
    [InlineData("no such option --memry; did you mean --memory?; see runner start --help", "--memry=1G", "--", "true")]
    [InlineData("no such option -x; see runner start --help", "-x", "true")]
    [InlineData("'true': only options may stand before --", "true", "--", "true")]
    public void What_is_no_option_before_the_dashes_is_told_with_the_nearest(string sentence, params string[] words) =>
        Assert.Equal((2, $"runner: {sentence}\n"), Start(words));

    // Port 1 is reserved and nothing listens there: everything is refused before anybody is called.
    private (int Code, string Error) Start(params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        string[] args = ["start", "--server", "127.0.0.1:1", "--cert", _world.Folder.At(CertificateFolder.Admin), "--ca", _world.Folder.At(CertificateFolder.ServerAuthority), .. words];
        return (CommandLine.Run(args, (_, _, _) => Task.FromResult(0), () => [], output, error), error.ToString());
    }
}
