using System.Text.RegularExpressions;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>What the README's tables offer is offered by the program, and understood as it is written there.</summary>
public sealed partial class ReadmeTablesTests(LiveServer server) : IClassFixture<LiveServer>
{
    /// <summary>A piece of code in a table, and the command it is about: the last that was named before it in its row.</summary>
    private sealed record Piece(string Command, string[] Words, bool IsFirstCell);

    // The tables of limits name options alone; they are those of a start.
    private static List<Piece> Pieces()
    {
        var pieces = new List<Piece>();
        foreach (Match row in Rows().Matches(File.ReadAllText(Repository.At("README.md"))))
        {
            var command = "start";
            foreach (var (cell, text) in row.Value.Trim('|').Split('|').Index())
            foreach (Match code in Code().Matches(text))
            {
                var words = code.Groups["words"].Value.Split(' ').Where(word => word is not "runner").ToArray();
                if (s_commands.Contains(words[0])) (command, words) = (words[0], words[1..]);
                pieces.Add(new(command, words, cell == 0));
            }
        }
        return pieces;
    }

    private static readonly string[] s_commands = ["serve", "start", "run", "status", "list", "logs", "stop", "signal", "wait", "verify", "rm", "prune", "pin", "unpin", "certs", "doctor", "version"];

    [Fact]
    public async Task Every_option_is_one_of_the_command_it_stands_with()
    {
        var pieces = Pieces();
        Assert.Superset(s_commands.ToHashSet(), pieces.Select(piece => piece.Command).ToHashSet());
        foreach (var ofOne in pieces.GroupBy(piece => piece.Command))
        {
            var help = (await RunnerBinary.RunAsync(ofOne.Key, "--help")).Expect(0).Output;
            var known = Options().Matches(help).Select(match => match.Value).ToHashSet();
            Assert.All(ofOne.SelectMany(piece => piece.Words).Where(word => Options().IsMatch(word)), word => Assert.Contains(word, known));
        }
    }

    [Fact]
    public async Task What_a_table_says_can_be_typed_is_understood()
    {
        var job = await server.StartAsync("--name", "nightly", "--", "true");
        await server.EndAsync(job);
        var typed = Pieces().Where(piece => piece.IsFirstCell && piece.Command is not "serve" && piece.Words.Any(word => Options().IsMatch(word))).ToList();
        Assert.InRange(typed.Count, 20, int.MaxValue);
        foreach (var (command, words, _) in typed)
        {
            string[] arguments = [.. words.Where(word => word is not "JOB...").Select(word => word is "N" ? "1" : word)];
            string[] rest = command switch
            {
                // Swap stands beside a limit of memory, and weights and limits may be ones this machine refuses.
                "start" or "run" => [.. arguments.Contains("--swap") ? ["--memory", "64M"] : Array.Empty<string>(), "--", "true"],
                "list" or "prune" => [],
                _ => [job],
            };
            var ran = await server.RunnerAsync([command, .. arguments, .. rest]);
            Assert.True(ran.Code is 0 or 126 || command is "stop" && ran.Error.Contains("already ended", StringComparison.Ordinal), $"{command} {string.Join(' ', arguments)}: {ran.Code} {ran.Error}");
        }
    }

    [GeneratedRegex(@"^\|.*`.*\|$", RegexOptions.Multiline)]
    private static partial Regex Rows();

    [GeneratedRegex("`(?<words>[^`]+)`")]
    private static partial Regex Code();

    [GeneratedRegex("(?<![a-z-])--?[a-z][a-z-]*")]
    private static partial Regex Options();
}
