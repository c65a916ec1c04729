using System.Globalization;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>A limit in force, and what was asked for where the machine made something else of it.</summary>
static class AskedAndApplied
{
    /// <summary>" (limit 64 MiB)", " (limit 64 MiB, asked for 67108865)"; empty where there is none.</summary>
    public static string Limit<T>(T? asked, T? applied, Func<T, string> show, string name = "limit") where T : struct, IFormattable => (asked, applied) switch
    {
        (null, null) => "",
        ({ } wanted, null) => $" (no {name}, asked for {show(wanted)})",
        ({ } wanted, { } held) when !wanted.Equals(held) => $" ({name} {show(held)}, asked for {(show(wanted) == show(held) ? wanted.ToString(null, CultureInfo.InvariantCulture) : show(wanted))})",
        (_, { } held) => $" ({name} {show(held)})",
    };

    /// <summary>"8:0", "8:0 (asked for /var)".</summary>
    public static string Devices(IoRates? asked, IoRates applied)
    {
        var held = string.Join(' ', applied.Devices.Select(Quoted.Short));
        return asked is null || asked.Devices.ToHashSet().SetEquals(applied.Devices)
            ? held
            : $"{held} (asked for {string.Join(' ', asked.Devices.Select(Quoted.Short))})";
    }
}
