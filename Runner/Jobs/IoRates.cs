namespace Runner.Jobs;

/// <summary>The most a job may read from and write to each of some block devices. Null: no limit of its own.</summary>
/// <param name="Devices">As they were asked for, each MAJOR:MINOR or an absolute path; of limits in force MAJOR:MINOR of whole disks.</param>
/// <param name="ReadBps">Bytes a second.</param>
/// <param name="WriteBps">Bytes a second.</param>
/// <param name="ReadIops">Requests a second.</param>
/// <param name="WriteIops">Requests a second.</param>
sealed record IoRates(
    IReadOnlyList<string> Devices, long? ReadBps = null, long? WriteBps = null, long? ReadIops = null, long? WriteIops = null)
{
    public const int MostDevices = 16;
    public const long MostBps = 1L << 50;
    public const long MostIops = uint.MaxValue - 1; // the greatest one stands for no limit (blk-throttle.c)

    /// <summary>By content, so that a repeated start can be told from another one.</summary>
    public bool Equals(IoRates? other) =>
        other is not null
        && (ReadBps, WriteBps, ReadIops, WriteIops) == (other.ReadBps, other.WriteBps, other.ReadIops, other.WriteIops)
        && Devices.SequenceEqual(other.Devices, StringComparer.Ordinal);

    public override int GetHashCode() => HashCode.Combine(Devices.Count, ReadBps, WriteBps, ReadIops, WriteIops);

    /// <summary>Whether this is the number of a device.</summary>
    public static bool TryParseNumber(string text, out uint major, out uint minor)
    {
        minor = 0;
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return uint.TryParse(text.AsSpan(0, Math.Max(colon, 0)), System.Globalization.NumberStyles.None, null, out major)
            && uint.TryParse(text.AsSpan(colon + 1), System.Globalization.NumberStyles.None, null, out minor);
    }
}
