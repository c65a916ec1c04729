using System.CommandLine;
using System.Globalization;
using Runner.Jobs;

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

    public void AddTo(Command command)
    {
        foreach (var option in new[] { _cpus, _cpuWeight, _memory, _swap, _memoryHigh, _pids })
            command.Options.Add(option);
    }

    /// <exception cref="BadOptionException">An option cannot be understood.</exception>
    public ResourceLimits Limits(ParseResult parsed) => new(
        Cpus: parsed.GetValue(_cpus) is { } cpus ? Number(_cpus.Name, cpus, "0.5 or 2") : null,
        MemoryBytes: Size(parsed, _memory),
        Pids: Whole(parsed, _pids),
        CpuWeight: Whole(parsed, _cpuWeight),
        SwapBytes: Size(parsed, _swap),
        MemoryHighBytes: Size(parsed, _memoryHigh));

    /// <summary>The option for a field of the API; null: none of these.</summary>
    public Option<string?>? Named(string field) => field switch
    {
        "spec.limits.cpus" => _cpus,
        "spec.limits.cpu_weight" => _cpuWeight,
        "spec.limits.memory_bytes" => _memory,
        "spec.limits.swap_bytes" => _swap,
        "spec.limits.memory_high_bytes" => _memoryHigh,
        "spec.limits.pids" => _pids,
        _ => null,
    };

    private static double Number(string option, string text, string example) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new BadOptionException($"{option} {text}: must be a number such as {example}");

    private static long? Size(ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) is { } text ? Quantities.Size(option.Name, text) : null;

    private static long? Whole(ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) is not { } text ? null
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value
        : throw new BadOptionException($"{option.Name} {text}: must be a whole number");
}
