using System.Text;

namespace Runner.Jobs;

/// <summary>Foreign text made fit for a message: short, and without anything a terminal or a log would act on.</summary>
static class Quoted
{
    private const int Most = 80;

    public static string Short(string text)
    {
        var shown = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (shown.Length >= Most) return shown.Append('…').ToString();
            if (Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.Format)
                shown.Append($"\\u{{{rune.Value:x}}}");
            else
                shown.Append(rune.ToString());
        }
        return shown.ToString();
    }
}
