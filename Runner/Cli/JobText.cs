using System.Globalization;
using System.Text;
using Runner.Client;
using Runner.Jobs;
using Runner.Wire;

namespace Runner.Cli;

/// <summary>Jobs as people read them. What a job's maker chose is shown without anything a terminal would act on.</summary>
static class JobText
{
    public static string Block(JobView job)
    {
        var record = job.Record;
        var rows = new List<(string Name, string Value)>
        {
            ("job", record.Id.ToString()),
            ("command", CommandLine(record.Spec)),
            ("state", State(record.State)),
            ("owner", Quoted.Short(record.Owner)),
            ("pid", record.Pid.ToString(CultureInfo.InvariantCulture)),
            ("started", Rfc3339.Show(record.StartedAt)),
        };
        if (record.Spec.Name.Length > 0) rows.Insert(1, ("name", Quoted.Short(record.Spec.Name)));
        if (record.Spec.Labels.Count > 0) rows.Add(("labels", string.Join(' ', record.Spec.Labels.Select(label => $"{Quoted.Short(label.Key)}={Quoted.Short(label.Value)}"))));
        if (record.State is JobState.Ended ended)
        {
            rows.Add(("ended", Rfc3339.Show(ended.EndedAt)));
            rows.Add(("ran", Quantities.Show(ended.EndedAt - record.StartedAt)));
            if (ended.LeftoverProcesses is > 0 and var left) rows.Add(("leftover", $"{Number(left)} {(left is 1 ? "process" : "processes")}, killed when the main one had gone"));
        }
        if (record.Pinned) rows.Add(("pinned", "kept until it is unpinned, or removed by its name"));
        if (job.HeldBack is { } heldBack) rows.Add(("held", $"back, until the server's disk takes more: {Quoted.Line(heldBack)}"));
        if (record.Spec.Timeout is { } timeout) rows.Add(("timeout", Quantities.Show(timeout)));
        rows.Add(("cpu", Cpu(job)));
        rows.Add(("memory", Memory(job)));
        var most = job.Usage.PidsPeak is { } peak ? $", peak {Number(peak)}" : "";
        rows.Add(("pids", $"{Number(job.Usage.Pids)}{most}{AskedAndApplied.Limit(record.Spec.Limits.Pids, record.Applied.Pids, pids => Number(pids))}"));
        if (job.Usage.ReadBytes is { } read && job.Usage.WrittenBytes is { } written)
            rows.Add(("disk", $"{Quantities.Show(read)} read{Requests(job.Usage.ReadOperations)}, {Quantities.Show(written)} written{Requests(job.Usage.WrittenOperations)}"));
        if (Waits(job.Usage) is { Length: > 0 } waits) rows.Add(("pressure", waits));
        if (job.Usage is { VoluntarySwitches: { } voluntary, InvoluntarySwitches: { } involuntary })
            rows.Add(("switches", $"{Number(voluntary)} voluntary, {Number(involuntary)} involuntary"));
        if (IoLimit(record.Spec.Limits, record.Applied) is { Length: > 0 } limit) rows.Add(("io limit", limit));
        rows.AddRange(OutputText.Rows(job));
        if (job.Followers > 0) rows.Add(("followed", job.Followers is 1 ? "1 stream of output is being read" : $"{Number(job.Followers)} streams of output are being read"));
        return string.Join('\n', rows.Select(row => $"{row.Name,-8} {row.Value}"));
    }

    public static string Stopped(StoppedJob stopped)
    {
        var text = new StringBuilder(State(stopped.Job.Record.State));
        foreach (var (name, bytes) in new[] { ("stdout", stopped.StdoutTail), ("stderr", stopped.StderrTail) })
        {
            if (bytes.IsEmpty) continue;
            text.Append(CultureInfo.InvariantCulture, $"\nlast of {name}:\n");
            foreach (var line in Encoding.UTF8.GetString(bytes.Span).TrimEnd('\n').Split('\n'))
                text.Append("  ").Append(Quoted.Line(line)).Append('\n');
            text.Length--;
        }
        return text.ToString();
    }

    /// <summary>What `run` says when the exit code alone would not tell; null if it does.</summary>
    public static string? Remark(JobEnd end) => end is JobEnd.Exited ? null : $"job {Of(end)}";

    /// <summary>The same of one job among several.</summary>
    public static string? Remark(JobRecord record) =>
        record.State is JobState.Ended { End: not JobEnd.Exited and var end } ? $"job {record.Id} {Of(end)}" : null;

    /// <summary>The job's own code, or 128 + N for signal N, as shells do.</summary>
    public static int ExitCodeOf(JobEnd end) =>
        EndParts.Of(end).ExitCode ?? (int)(end is JobEnd.CouldNotStart ? ExitCode.CannotStart : ExitCode.NoServer);

    public static string Short(JobState state) => state is JobState.Ended ended
        ? ended.End switch
        {
            JobEnd.Exited(var code) => $"{EndParts.Exited} {code}",
            JobEnd.Signaled(var signal, _) => $"{EndParts.Signaled} {Signals.Name(signal)}",
            var end => EndParts.Of(end).Reason,
        }
        : "running";

    private static string State(JobState state) => state is JobState.Ended ended ? $"ended: {Of(ended.End)}" : "running";

    private static string Of(JobEnd end) => end switch
    {
        JobEnd.Exited(var code) => $"exited with code {code}",
        JobEnd.Signaled(var signal, var core) => $"killed by {Signals.Name(signal)}{(core ? ", core dumped" : "")}",
        JobEnd.OutOfMemory => "killed for want of memory",
        JobEnd.Stopped(var by, var exit) => $"stopped by {Quoted.Short(by)} ({Of(exit)})",
        JobEnd.TimedOut(var exit) => $"stopped at its time limit ({Of(exit)})",
        JobEnd.OutputLimit(var exit) => $"stopped at its output limit ({Of(exit)})",
        JobEnd.CouldNotStart(var reason) => $"could not be started: {Quoted.Line(reason)}",
        JobEnd.Lost(var reason, _) => $"lost: {Quoted.Line(reason)}",
        _ => throw new InvalidOperationException($"no words for {end}"),
    };

    private static string Of(ProcessExit exit) => exit switch
    {
        ProcessExit.Exited(var code) => $"it exited with code {code}",
        ProcessExit.Signaled(var signal, var core) => $"killed by {Signals.Name(signal)}{(core ? ", core dumped" : "")}",
        _ => throw new InvalidOperationException($"no words for {exit}"),
    };

    private static string Cpu(JobView job)
    {
        if (job.Usage.CpuTotal is not { } total) return "not told by this kernel";
        var end = job.Record.State is JobState.Ended ended ? ended.EndedAt : DateTimeOffset.UtcNow;
        var ran = (end - job.Record.StartedAt).TotalSeconds;
        var parts = job.Usage is { CpuUser: { } user, CpuSystem: { } system } ? $" ({Quantities.Show(user)} user, {Quantities.Show(system)} system)" : "";
        var share = ran > 0 ? string.Create(CultureInfo.InvariantCulture, $", {total.TotalSeconds / ran:0.00} cores on average") : "";
        var throttled = job.Usage.Throttled is { Ticks: > 0 } held ? $", held back {Quantities.Show(held)}" : "";
        var weight = job.Record.Applied.CpuWeight is { } part ? string.Create(CultureInfo.InvariantCulture, $" (weight {part})") : "";
        return $"{Quantities.Show(total)}{parts}{share}{throttled}{AskedAndApplied.Limit(job.Record.Spec.Limits.Cpus, job.Record.Applied.Cpus, cpus => cpus.ToString("0.###", CultureInfo.InvariantCulture))}{weight}";
    }

    private static string Memory(JobView job)
    {
        var peak = job.Usage.MemoryPeak is { } most ? $", peak {Quantities.Show(most)}" : "";
        var kills = job.Usage.OomKills is > 0 and var count ? $", {count} killed for want of memory" : "";
        var (asked, applied) = (job.Record.Spec.Limits, job.Record.Applied);
        var limit = AskedAndApplied.Limit(asked.MemoryBytes, applied.MemoryBytes, Quantities.Show);
        var swap = AskedAndApplied.Limit(asked.SwapBytes is 0 ? null : asked.SwapBytes, applied.SwapBytes, Quantities.Show, "swap");
        var high = AskedAndApplied.Limit(asked.MemoryHighBytes, applied.MemoryHighBytes, Quantities.Show, "slowed above");
        return $"{(job.Usage.Memory is { } now ? Quantities.Show(now) : "?")}{peak}{kills}{limit}{swap}{high}";
    }

    private static string Requests(long? count) => count is { } number ? $" in {Number(number)} {(number is 1 ? "request" : "requests")}" : "";

    private static string Waits(ResourceUsage usage)
    {
        var parts = new List<string>();
        foreach (var (name, pressure) in new[] { ("cpu", usage.CpuPressure), ("memory", usage.MemoryPressure), ("io", usage.IoPressure) })
            if (pressure?.Some is { } some)
                parts.Add($"{name} {Quantities.Show(some)}{(pressure.Full is { Ticks: > 0 } full ? $" (the whole job {Quantities.Show(full)})" : "")}");
        return string.Join(", ", parts);
    }

    private static string IoLimit(ResourceLimits asked, ResourceLimits applied)
    {
        var parts = new List<string>();
        if (applied.Io is { } io)
        {
            if (io.ReadBps is { } read) parts.Add($"{Quantities.Show(read)}/s read");
            if (io.WriteBps is { } write) parts.Add($"{Quantities.Show(write)}/s written");
            if (io.ReadIops is { } reads) parts.Add($"{Number(reads)} reads/s");
            if (io.WriteIops is { } writes) parts.Add($"{Number(writes)} writes/s");
            if (parts.Count > 0) parts[^1] += $" on {AskedAndApplied.Devices(asked.Io, io)}";
        }
        if (applied.IoWeight is { } weight) parts.Add($"weight {Number(weight)}");
        return string.Join(", ", parts);
    }

    private static string Number(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "?";

    public static string CommandLine(JobSpec spec) => string.Join(' ', new[] { spec.Command }.Concat(spec.Args).Select(ShellWord.Of));
}
