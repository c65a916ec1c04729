namespace Runner.Certificates;

/// <summary>Foreign text, safe to show in one line: short, and without control characters.</summary>
static class Printable
{
    private const int Longest = 200;

    public static string Of(string text)
    {
        var safe = string.Concat(text.Take(Longest).Select(character => char.IsControl(character) || char.IsSurrogate(character) ? '?' : character));
        return text.Length > Longest ? safe + "…" : safe;
    }
}
