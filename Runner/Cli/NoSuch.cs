using System.CommandLine;

namespace Runner.Cli;

/// <summary>Says that a word is no option or command, and which was probably meant.</summary>
static class NoSuch
{
    private const int MostSlips = 2;

    public static string Option(Command command, string word)
    {
        var name = word.Split('=')[0];
        return Sentence("option", name, command.Options.SelectMany(option => option.Aliases.Prepend(option.Name)).Where(known => known.StartsWith("--", StringComparison.Ordinal)));
    }

    public static string Command(Command command, string word) => Sentence("command", word, command.Subcommands.Select(known => known.Name));

    private static string Sentence(string what, string word, IEnumerable<string> known)
    {
        var nearest = known
            .Select(name => (Name: name, Slips: name.Length > word.Length && word.Length > MostSlips && name.StartsWith(word, StringComparison.Ordinal) ? 0 : Slips(word, name)))
            .Where(match => match.Slips <= MostSlips && match.Slips < match.Name.TrimStart('-').Length - 1)
            .OrderBy(match => match.Slips).Select(match => match.Name).FirstOrDefault();
        return nearest is null ? $"no such {what} {word}" : $"no such {what} {word}; did you mean {nearest}?";
    }

    /// <summary>How many letters were added, left out or mistaken (Levenshtein).</summary>
    private static int Slips(string typed, string meant)
    {
        var row = Enumerable.Range(0, meant.Length + 1).ToArray();
        foreach (var (i, letter) in typed.Index())
        {
            var diagonal = row[0];
            row[0] = i + 1;
            for (var j = 1; j <= meant.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (letter == meant[j - 1] ? 0 : 1)));
        }
        return row[^1];
    }
}
