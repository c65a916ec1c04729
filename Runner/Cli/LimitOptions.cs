using System.CommandLine;
using System.Globalization;
using Runner.Jobs;
using Runner.Output;
using Runner.Wire;

namespace Runner.Cli;

/// <summary>The options that limit a job, each by the name of its field in the API.</summary>
sealed class LimitOptions
{
    private readonly Option<string?> _cpus = new("--cpu") { Description = "At most this many cores' worth of CPU time, 0.01 and up.", HelpName = "CORES" };
    private readonly Option<string?> _cpuWeight = new("--cpu-weight") { Description = "Its part of the CPU time when there is not enough for all, 1 to 10000; others have 100.", HelpName = "N" };
    private readonly Option<string?> _memory = new("--memory", "-m") { Description = "At most this much memory, without swapping unless --swap is given; at least 1M.", HelpName = "SIZE" };
    private readonly Option<string?> _swap = new("--swap") { Description = "At most this much swap space beside --memory (default: none).", HelpName = "SIZE" };
    private readonly Option<string?> _memoryHigh = new("--memory-high") { Description = "Above this much memory it is slowed down, not killed; at least 1M, cgroup v2 only.", HelpName = "SIZE" };
    private readonly Option<string?> _pids = new("--pids") { Description = "At most this many processes and threads at once.", HelpName = "N" };

    private readonly Option<string[]> _devices = new("--device") { Description = "A disk the rates below are for: MAJOR:MINOR, a device file or any absolute path on it, on the server's machine; repeatable.", HelpName = "DISK" };
    private readonly Option<string?> _ioBps = new("--io-bps") { Description = "At most this many bytes a second each way, unless the next two say otherwise.", HelpName = "SIZE" };
    private readonly Option<string?> _readBps = new("--read-bps") { Description = "At most this many bytes read a second.", HelpName = "SIZE" };
    private readonly Option<string?> _writeBps = new("--write-bps") { Description = "At most this many bytes written a second.", HelpName = "SIZE" };
    private readonly Option<string?> _readIops = new("--read-iops") { Description = "At most this many reads a second.", HelpName = "N" };
    private readonly Option<string?> _writeIops = new("--write-iops") { Description = "At most this many writes a second.", HelpName = "N" };
    private readonly Option<string?> _ioWeight = new("--io-weight") { Description = "Its part of the disks' time when there is not enough for all, 1 to 10000; others have 100.", HelpName = "N" };

    private readonly Option<string?> _maxOutput = new("--max-output") { Description = "Keeps at most this much of each output stream, at least 64K (default and most: what the server keeps).", HelpName = "SIZE" };
    private readonly Option<string?> _outputPolicy = new("--output-policy") { Description = "When a stream has written more: keep-tail gives up the oldest bytes (the default), keep-head what comes later, stop-job ends the job too.", HelpName = "POLICY" };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _cpus, _cpuWeight, _memory, _swap, _memoryHigh, _pids, _devices, _ioBps, _readBps, _writeBps, _readIops, _writeIops, _ioWeight, _maxOutput, _outputPolicy })
            command.Options.Add(option);
    }

    /// <exception cref="BadOptionException">An option cannot be understood.</exception>
    public ResourceLimits Limits(ParseResult parsed) => new(
        Cpus: parsed.GetValue(_cpus) is { } cpus ? Number(_cpus.Name, cpus, "0.5 or 2") : null,
        MemoryBytes: Size(parsed, _memory),
        Pids: Whole(parsed, _pids, ResourceLimits.MostPids),
        CpuWeight: Whole(parsed, _cpuWeight, ResourceLimits.MostWeight),
        SwapBytes: Size(parsed, _swap),
        MemoryHighBytes: Size(parsed, _memoryHigh),
        Io: Rates(parsed),
        IoWeight: Whole(parsed, _ioWeight, ResourceLimits.MostWeight),
        Output: OutputLimits.Of(Size(parsed, _maxOutput), parsed.GetValue(_outputPolicy) is { } policy ? Policy(policy) : null));

    private OutputPolicy Policy(string text) => OutputPolicies.Of(text)
        ?? throw new BadOptionException($"{_outputPolicy.Name} {Quoted.Short(text)}: must be {OutputPolicies.Words}");

    private IoRates? Rates(ParseResult parsed)
    {
        var devices = parsed.GetValue(_devices) ?? [];
        var given = new[] { _ioBps, _readBps, _writeBps, _readIops, _writeIops }.FirstOrDefault(rate => parsed.GetValue(rate) is not null);
        if (given is null)
            return devices.Length == 0 ? null
                : throw new BadOptionException($"{_devices.Name} {devices[0]}: needs a rate such as {_ioBps.Name} 10M");
        if (devices.Length == 0)
            throw new BadOptionException($"{given.Name} {parsed.GetValue(given)}: needs {_devices.Name}, such as {_devices.Name} /var for the disk that /var is on");
        var both = Size(parsed, _ioBps);
        return new(devices, Size(parsed, _readBps) ?? both, Size(parsed, _writeBps) ?? both, Whole(parsed, _readIops, IoRates.MostIops), Whole(parsed, _writeIops, IoRates.MostIops));
    }

    /// <summary>The option that was typed for a field of the API; null: none of these.</summary>
    public Option<string?>? Named(string field, ParseResult parsed) => field switch
    {
        "spec.limits.cpus" => _cpus,
        "spec.limits.cpu_weight" => _cpuWeight,
        "spec.limits.memory_bytes" => _memory,
        "spec.limits.swap_bytes" => _swap,
        "spec.limits.memory_high_bytes" => _memoryHigh,
        "spec.limits.read_bps" => parsed.GetValue(_readBps) is null ? _ioBps : _readBps,
        "spec.limits.write_bps" => parsed.GetValue(_writeBps) is null ? _ioBps : _writeBps,
        "spec.limits.read_iops" => _readIops,
        "spec.limits.write_iops" => _writeIops,
        "spec.limits.io_weight" => _ioWeight,
        "spec.limits.pids" => _pids,
        "spec.max_output_bytes" => _maxOutput,
        "spec.output_policy" => _outputPolicy,
        _ => null,
    };

    private static double Number(string option, string text, string example) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new BadOptionException($"{option} {text}: must be a number such as {example}");

    private static long? Size(ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) is { } text ? Quantities.Size(option.Name, text) : null;

    private static long? Whole(ParseResult parsed, Option<string?> option, long most) =>
        parsed.GetValue(option) is not { } text ? null
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value
        : throw new BadOptionException($"{option.Name} {text}: must be a whole number, 1 to {most}");
}
