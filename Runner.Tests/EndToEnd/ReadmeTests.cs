using System.Text.RegularExpressions;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>What the README tells people to type does what it says.</summary>
public sealed partial class ReadmeTests
{
    // The quick start is typed by root into a shell, in namespaces of its own: port 7443 and /var/lib/runner are not this machine's.
    // `runner` is the program with a cgroup subtree of the test's; the job's UUID stands where the README writes <uuid>.
    private const string Before = """
        set -eu
        mount -t tmpfs none /var/lib; ip link set lo up; cd "$1"; program=$2 cgroup=$3
        sudo() { "$@"; }
        runner() {
            case $1 in
                serve) shift; exec "$program" serve --cgroup "$cgroup" "$@" >serving 2>serve.err ;;
                start) uuid=$("$program" "$@"); echo "$uuid" ;;
                *) "$program" "$@" ;;
            esac
        }
        listening() { i=0; until grep -qs ^listening serving; do i=$((i + 1)); [ $i -lt 5000 ]; sleep 0.02; done; }
        head -c 1M /dev/zero >bigfile

        """;

    private const string After = """

        kill -TERM $server; wait $server
        """;

    private static string Readme { get; } = File.ReadAllText(Repository.At("README.md"));

    [Fact]
    public async Task The_quick_start_works_as_it_is_written()
    {
        var lines = Blocks().Matches(Readme).Select(match => match.Groups["text"].Value).Single(text => text.Contains("runner certs init", StringComparison.Ordinal))
            .TrimEnd('\n').Split('\n');
        Assert.Equal(5, lines.Length);
        Assert.StartsWith("sudo runner serve --cert server.pem", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("runner start --cpu 0.5 -- sha256sum bigfile", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("runner status <uuid>", lines[3], StringComparison.Ordinal);

        var typed = string.Join('\n', lines).Replace("<uuid>", "$uuid", StringComparison.Ordinal);
        var script = Before + typed.Replace("server.pem &", "server.pem & server=$!; listening;", StringComparison.Ordinal) + After;
        using var folder = new TemporaryFolder();
        await using var cgroup = new OwnCgroup();
        var ran = await ChildProcess.RunAsync(
            "unshare", ["-m", "-n", "--propagation", "private", "bash", "-c", script, "bash", folder.Path, RunnerBinary.Path, cgroup.Name],
            RunnerBinary.Surroundings(("HOME", "/root")));
        Assert.EndsWith("30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58  bigfile\n", ran.Expect(0).Output);
        Assert.Matches("(?m)^command  sha256sum bigfile$", ran.Output);
    }

    [Fact]
    public async Task The_entry_point_knows_every_verb_that_is_named()
    {
        var verbs = Verbs().Matches(Readme).Select(match => match.Groups["verb"].Value).Distinct().ToList();
        Assert.Superset(new HashSet<string> { "build", "demo", "test", "publish" }, verbs.ToHashSet());
        var usage = (await ChildProcess.RunAsync(Repository.At("build.sh"), [], RunnerBinary.Surroundings())).Expect(0).Output;
        Assert.All(verbs, verb => Assert.Matches($"(?m)^  {verb} ", usage));
        Assert.Contains("build.sh\" test", await File.ReadAllTextAsync(Repository.At(".ci", "run"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_command_in_the_table_is_one()
    {
        foreach (Match row in TableCommands().Matches(Readme))
            foreach (Match name in Word().Matches(row.Groups["cell"].Value))
                (await RunnerBinary.RunAsync(name.Groups["word"].Value, "--help")).Expect(0);
    }

    [Fact]
    public void Every_file_it_links_to_is_there() =>
        Assert.All(Links().Matches(Readme).Select(match => match.Groups["target"].Value), target => Assert.True(File.Exists(Repository.At(target)), target));

    [GeneratedRegex("```sh\n(?<text>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Blocks();

    [GeneratedRegex(@"\./build\.sh (?<verb>[a-z]+)")]
    private static partial Regex Verbs();

    [GeneratedRegex(@"^\| (?<cell>`[a-z][^|]*`) \|", RegexOptions.Multiline)]
    private static partial Regex TableCommands();

    [GeneratedRegex("`(?<word>[a-z]+)[^`]*`")]
    private static partial Regex Word();

    [GeneratedRegex(@"\]\((?<target>[^)#:]+)\)")]
    private static partial Regex Links();
}
