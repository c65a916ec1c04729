using System.Globalization;
using System.Text;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>A word as bash would have to be given it: whatever it holds, it can be seen where it ends.</summary>
static class ShellWord
{
    public static string Of(string word)
    {
        if (word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,+@%".Contains(c))) return word;
        if (!word.EnumerateRunes().Any(Quoted.ActsOnTerminals)) return $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";

        // ANSI-C quoting (bash(1), QUOTING).
        var quoted = new StringBuilder("$'");
        foreach (var rune in word.EnumerateRunes())
        {
            if (rune.Value is '\'' or '\\') quoted.Append('\\').Append(rune.ToString());
            else if (!Quoted.ActsOnTerminals(rune)) quoted.Append(rune.ToString());
            else quoted.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}");
        }
        return quoted.Append('\'').ToString();
    }
}
