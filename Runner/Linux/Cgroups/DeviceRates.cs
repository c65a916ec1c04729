using Runner.Jobs;

namespace Runner.Linux.Cgroups;

/// <summary>Gathers the rates a kernel tells device by device into one set, as all devices of a job have the same.</summary>
sealed class DeviceRates
{
    private readonly SortedSet<string> _devices = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _rates = [];

    /// <summary>Should they differ, the loosest one is told.</summary>
    public void Add(string kind, string device, long rate)
    {
        _devices.Add(device);
        _rates[kind] = Math.Max(rate, _rates.GetValueOrDefault(kind));
    }

    /// <summary>What was gathered under these names; null: nothing.</summary>
    public IoRates? Of(string readBps, string writeBps, string readIops, string writeIops) =>
        _devices.Count == 0 ? null : new([.. _devices], Rate(readBps), Rate(writeBps), Rate(readIops), Rate(writeIops));

    private long? Rate(string kind) => _rates.TryGetValue(kind, out var rate) ? rate : null;
}
