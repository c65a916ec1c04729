using System.Globalization;
using System.Text;

namespace Runner.Jobs;

/// <summary>Foreign text made fit for a message: without anything a terminal or a log would act on.</summary>
static class Quoted
{
    private const int Most = 80;

    /// <summary>Cut to what fits into a sentence.</summary>
    public static string Short(string text) => Line(text, Most);

    /// <summary>Whole, on one line.</summary>
    public static string Line(string text, int most = int.MaxValue)
    {
        var shown = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (shown.Length >= most) return shown.Append('…').ToString();
            if (ActsOnTerminals(rune))
                shown.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
            else
                shown.Append(rune.ToString());
        }
        return shown.ToString();
    }

    /// <summary>Controls, line ends, and what is not seen itself but changes what is.</summary>
    public static bool ActsOnTerminals(Rune rune) => Rune.IsControl(rune)
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
