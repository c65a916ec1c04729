using System.Globalization;
using System.Text;
using Runner.Output;

namespace Runner.Jobs;

/// <summary>What a job may be asked to be. Every start goes through here before anything is done for it.</summary>
static class JobRules
{
    public static readonly TimeSpan MostGrace = TimeSpan.FromHours(1);
    public static readonly TimeSpan MostTimeout = TimeSpan.FromDays(3650);

    private const int MostNameLength = 128;
    public const int MostLabels = 64;
    private const int MostLabelValue = 256;

    // Linux takes 128 KiB a string (MAX_ARG_STRLEN, execve(2)), its final zero included.
    private const int MostStringBytes = 128 * 1024 - 1;

    /// <exception cref="JobException">
    /// A field is not valid: the message is which it is and its value, a colon, and what would be valid, which has no colon itself.
    /// </exception>
    public static void Check(JobSpec spec)
    {
        CheckCommand(spec);
        CheckEnvironment(spec.Env);
        if (!spec.WorkingDirectory.StartsWith('/'))
            throw Bad("spec.working_directory", $"working directory '{Quoted.Short(spec.WorkingDirectory)}': must be absolute");
        CheckString("spec.working_directory", "working directory", spec.WorkingDirectory);
        if (spec.Name.Length > 0) CheckName("spec.name", "name", spec.Name);
        CheckLabels(spec.Labels);
        CheckLimits(spec.Limits);
        CheckGrace("spec.grace_period", spec.GracePeriod);
        if (spec.Timeout is { } timeout && (timeout <= TimeSpan.Zero || timeout > MostTimeout))
            throw Bad("spec.timeout", $"timeout {timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s: must be more than 0 s and at most 3650 days");
    }

    /// <exception cref="JobException">Negative or too long.</exception>
    public static void CheckGrace(string field, TimeSpan grace)
    {
        if (grace < TimeSpan.Zero || grace > MostGrace)
            throw Bad(field, $"grace period {grace.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s: must be 0 s to 1 hour");
    }

    /// <exception cref="JobException">No signal has this number.</exception>
    public static void CheckSignal(string field, int signal)
    {
        if (signal is < 1 or > Signals.Most) throw Bad(field, $"signal {signal}: must be 1 to {Signals.Most}");
    }

    public static JobException Bad(string field, string message) => new(JobError.BadField, message) { Field = field };

    private static void CheckCommand(JobSpec spec)
    {
        if (spec.Command.Length == 0) throw Bad("spec.command", "command: must not be empty");
        CheckString("spec.command", "command", spec.Command);
        if (spec.Command.Contains('/') && !spec.Command.StartsWith('/'))
            throw Bad("spec.command", $"command '{Quoted.Short(spec.Command)}': must be an absolute path, or a name without '/' that is on the job's PATH");
        for (var i = 0; i < spec.Args.Count; i++)
        {
            var field = $"spec.args[{i}]";
            if (spec.Args[i].Length == 0 && !spec.AllowEmptyArgs)
                throw Bad(field, $"argument {i + 1}: must not be empty unless allow_empty_args is set");
            CheckString(field, $"argument {i + 1}", spec.Args[i]);
        }
    }

    private static void CheckEnvironment(IReadOnlyDictionary<string, string> env)
    {
        foreach (var (name, value) in env)
        {
            var field = $"spec.env[{Quoted.Short(name)}]";
            if (name.Length == 0 || name.Contains('='))
                throw Bad(field, $"environment '{Quoted.Short(name)}': a name must not be empty and must not hold '='");
            CheckString(field, $"environment name '{Quoted.Short(name)}'", name);
            CheckString(field, $"environment {Quoted.Short(name)}", value);
        }
    }

    private static void CheckLabels(IReadOnlyDictionary<string, string> labels)
    {
        if (labels.Count > MostLabels) throw Bad("spec.labels", $"labels: {labels.Count} of them; at most {MostLabels}");
        foreach (var (key, value) in labels)
        {
            var field = $"spec.labels[{Quoted.Short(key)}]";
            CheckName(field, "label", key);
            if (Encoding.UTF8.GetByteCount(value) > MostLabelValue || value.Any(char.IsControl))
                throw Bad(field, $"label {key}: its value must be at most {MostLabelValue} bytes without control characters");
        }
    }

    private static void CheckLimits(ResourceLimits limits)
    {
        if (limits.Cpus is { } cpus && !(cpus is >= ResourceLimits.LeastCpus and <= ResourceLimits.MostCpus))
            throw Bad("spec.limits.cpus", $"cpus {cpus.ToString(CultureInfo.InvariantCulture)}: must be 0.01 to 10000 cores");
        if (limits.MemoryBytes is { } memory and not (>= ResourceLimits.LeastMemory and <= ResourceLimits.MostMemory))
            throw Bad("spec.limits.memory_bytes", $"memory {memory} bytes: must be at least 1 MiB (1048576) and at most 1 PiB");
        if (limits.SwapBytes is { } swap and not (>= 0 and <= ResourceLimits.MostMemory))
            throw Bad("spec.limits.swap_bytes", $"swap {swap} bytes: must be 0 to 1 PiB");
        if (limits is { SwapBytes: { } beside, MemoryBytes: null })
            throw Bad("spec.limits.swap_bytes", $"swap {beside} bytes: must come with a memory limit");
        if (limits.MemoryHighBytes is { } high and not (>= ResourceLimits.LeastMemory and <= ResourceLimits.MostMemory))
            throw Bad("spec.limits.memory_high_bytes", $"high memory {high} bytes: must be at least 1 MiB (1048576) and at most 1 PiB");
        if (limits.Pids is { } pids and not (>= 1 and <= ResourceLimits.MostPids))
            throw Bad("spec.limits.pids", $"pids {pids}: must be 1 to {ResourceLimits.MostPids}");
        if (limits.CpuWeight is { } weight and not (>= 1 and <= ResourceLimits.MostWeight))
            throw Bad("spec.limits.cpu_weight", $"cpu weight {weight}: must be 1 to {ResourceLimits.MostWeight}");
        if (limits.Output?.Bytes is { } output and not (>= OutputCap.Least and <= OutputCap.Most))
            throw Bad("spec.max_output_bytes", $"output limit {output} bytes: must be at least 64 KiB ({OutputCap.Least}) and at most 1 PiB");
        CheckIo(limits.Io, limits.IoWeight);
    }

    private static void CheckIo(IoRates? io, long? weight)
    {
        if (weight is not (null or >= 1 and <= ResourceLimits.MostWeight))
            throw Bad("spec.limits.io_weight", $"io weight {weight}: must be 1 to {ResourceLimits.MostWeight}");
        if (io is null) return;
        var rates = new[]
        {
            (Field: "spec.limits.read_bps", What: "bytes read a second", Rate: io.ReadBps, Most: IoRates.MostBps),
            (Field: "spec.limits.write_bps", What: "bytes written a second", Rate: io.WriteBps, Most: IoRates.MostBps),
            (Field: "spec.limits.read_iops", What: "reads a second", Rate: io.ReadIops, Most: IoRates.MostIops),
            (Field: "spec.limits.write_iops", What: "writes a second", Rate: io.WriteIops, Most: IoRates.MostIops),
        };
        foreach (var (field, what, rate, most) in rates)
        {
            if (rate is not (null or >= 1) || rate > most) throw Bad(field, $"{what} {rate}: must be 1 to {most}");
            if (rate is not null && io.Devices.Count == 0) throw Bad(field, $"{what} {rate}: must come with a device");
        }
        if (io.Devices.Count > IoRates.MostDevices) throw Bad("spec.limits.devices", $"devices: {io.Devices.Count} of them; at most {IoRates.MostDevices}");
        for (var i = 0; i < io.Devices.Count; i++)
        {
            var (field, device) = ($"spec.limits.devices[{i}]", io.Devices[i]);
            if (!device.StartsWith('/') && !IoRates.TryParseNumber(device, out _, out _))
                throw Bad(field, $"device '{Quoted.Short(device)}': must be MAJOR:MINOR or an absolute path");
            CheckString(field, $"device {i + 1}", device);
            if (rates.All(rate => rate.Rate is null)) throw Bad(field, $"device '{Quoted.Short(device)}': must come with a rate of reading or writing");
        }
    }

    /// <exception cref="JobException">Neither a name nor a label's key.</exception>
    public static void CheckName(string field, string what, string name)
    {
        if (!IsName(name))
            throw Bad(field, $"{what} '{Quoted.Short(name)}': must be 1 to {MostNameLength} letters, digits, '.', '_' or '-'");
    }

    public static bool IsName(string text) =>
        text.Length is > 0 and <= MostNameLength && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    private static void CheckString(string field, string what, string value)
    {
        if (value.Contains('\0')) throw Bad(field, $"{what}: must not hold a NUL character");
        if (Encoding.UTF8.GetByteCount(value) > MostStringBytes)
            throw Bad(field, $"{what}: must be at most {MostStringBytes} bytes");

        // What decodes bytes puts it where they were not UTF-8: the program would get something else than what was meant.
        if (value.Contains('\uFFFD')) throw Bad(field, $"{what}: holds U+FFFD, which stands for bytes that are not UTF-8; it must be UTF-8");
    }
}
