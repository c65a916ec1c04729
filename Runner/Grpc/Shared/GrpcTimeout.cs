using System.Globalization;

namespace Grpc.Shared;

/// <summary>The <c>grpc-timeout</c> header: at most eight digits and a unit.</summary>
internal static class GrpcTimeout
{
    private const int MaxDigits = 8;
    private const long TooLarge = 100_000_000;

    /// <summary>Never less than the timeout, and more by less than one unit.</summary>
    public static string Format(TimeSpan timeout)
    {
        var ticks = Math.Max(timeout.Ticks, 0);
        return ticks * TimeSpan.NanosecondsPerTick < TooLarge && ticks < TooLarge ? Text(ticks * TimeSpan.NanosecondsPerTick, 'n')
            : InUnits(ticks, TimeSpan.TicksPerMicrosecond) is < TooLarge and var us ? Text(us, 'u')
            : InUnits(ticks, TimeSpan.TicksPerMillisecond) is < TooLarge and var ms ? Text(ms, 'm')
            : InUnits(ticks, TimeSpan.TicksPerSecond) is < TooLarge and var s ? Text(s, 'S')
            : InUnits(ticks, TimeSpan.TicksPerMinute) is < TooLarge and var m ? Text(m, 'M')
            : Text(InUnits(ticks, TimeSpan.TicksPerHour), 'H');
    }

    public static bool TryParse(string text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > MaxDigits + 1) return false;
        if (!long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var value)) return false;
        long? ticks = text[^1] switch
        {
            'n' => InUnits(value, TimeSpan.NanosecondsPerTick),
            'u' => value * TimeSpan.TicksPerMicrosecond,
            'm' => value * TimeSpan.TicksPerMillisecond,
            'S' => value * TimeSpan.TicksPerSecond,
            'M' => value * TimeSpan.TicksPerMinute,
            'H' => value * TimeSpan.TicksPerHour,
            _ => null,
        };
        timeout = new TimeSpan(ticks ?? 0);
        return ticks is not null;
    }

    private static long InUnits(long value, long unit) => value / unit + (value % unit == 0 ? 0 : 1);

    private static string Text(long value, char unit) => string.Create(CultureInfo.InvariantCulture, $"{value}{unit}");
}
