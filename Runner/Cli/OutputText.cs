using Runner.Jobs;
using Runner.Output;
using Runner.Wire;

namespace Runner.Cli;

/// <summary>What a job wrote and what of it is kept, as people read it.</summary>
static class OutputText
{
    public static IEnumerable<(string Name, string Value)> Rows(JobView job)
    {
        var record = job.Record;
        var stderr = record.Spec.MergeOutput ? "merged with stderr" : $"{Quantities.Show(job.StderrBytes)} stderr{Gone(job, job.StderrBytes, job.Stderr)}";
        var pruned = record.State is JobState.Ended { PrunedAt: { } at } ? $"; pruned {Rfc3339.Show(at)}: nothing of it is kept" : "";
        var held = record.State is JobState.Ended { HeldOpen: true } ? "; held open by a process outside the job at its end" : "";
        var failed = record.State is JobState.Ended { DiskFailed: true } ? "; the server's disk failed while this was written: bytes may be lost" : "";
        yield return ("output", $"{Quantities.Show(job.StdoutBytes)} stdout{Gone(job, job.StdoutBytes, job.Stdout)}, {stderr}{Limit(record)}{held}{failed}{pruned}");
        foreach (var (name, bytes, kept) in new[] { ("stdout", job.StdoutBytes, job.Stdout), ("stderr", job.StderrBytes, job.Stderr) })
            if (bytes > 0 && kept?.Sha256 is { } digest)
                yield return ("sha256", $"{digest} {name}");
    }

    /// <summary>" (1 MiB dropped, 512 KiB kept from byte 1048576)".</summary>
    private static string Gone(JobView job, long size, KeptOutput? kept) => kept is null or { Dropped: 0 } || job.Record.State is JobState.Ended { PrunedAt: not null } ? ""
        : $" ({Quantities.Show(kept.Dropped)} dropped, {Quantities.Show(size - kept.Dropped)} kept from byte {kept.From})";

    private static string Limit(JobRecord record) => record.Applied.Output is { } applied
        ? $"{AskedAndApplied.Limit(record.Spec.Limits.Output?.Bytes, applied.Bytes, Quantities.Show)[..^1]} each, {OutputPolicies.Word(applied.Policy)})"
        : "";
}
