using System.Globalization;
using Runner.Jobs;
using Runner.Linux.Cgroups;

namespace Runner.Linux.Probes;

/// <summary>What this process may do, by what /proc/self says of it.</summary>
static class PrivilegeProbes
{
    private const long FilesOfAJob = 24; // eight a job, and a third of all is for jobs
    private const long Enough = 10_000;

    // capabilities(7): the bit, its name, and what cannot be done without it.
    private static readonly (int Bit, string Name, string Without)[] Needed =
    [
        (0, "CAP_CHOWN", "a job that runs as another user cannot open its own /dev/stdout"),
        (1, "CAP_DAC_OVERRIDE", "cgroups and files of other users may be closed to the server"),
        (5, "CAP_KILL", "jobs that run as another user cannot be signalled"),
        (6, "CAP_SETGID", "jobs cannot run as another user"),
        (7, "CAP_SETUID", "jobs cannot run as another user"),
        (21, "CAP_SYS_ADMIN", "jobs cannot get namespaces and mounts of their own"),
        (24, "CAP_SYS_RESOURCE", "hard limits such as nofile cannot be raised, pressure is told in windows of whole 2 s only"),
    ];

    /// <param name="status">The text of /proc/self/status.</param>
    public static IEnumerable<Capability> Capabilities(string status)
    {
        var user = Field(status, "Uid:") is [_, var effective, ..] ? effective : "?";
        yield return user == "0"
            ? new Capability("user", CapabilityState.Works, "root")
            : new Capability("user", CapabilityState.Limited, $"user id {user}, not root: jobs run as this user, in cgroups delegated to it", "run the server as root, or as a service with Delegate=yes");

        if (Field(status, "CapEff:") is not [var hex, ..] || !ulong.TryParse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var held))
        {
            yield return new Capability("capabilities", CapabilityState.Missing, "/proc/self/status has no CapEff");
            yield break;
        }
        var lacking = Needed.Where(one => (held >> one.Bit & 1) == 0).ToArray();
        if (lacking.Length == 0)
            yield return new Capability("capabilities", CapabilityState.Works, "all that jobs need");
        if (lacking.Length == Needed.Length)
        {
            yield return new Capability("capabilities", CapabilityState.Limited, "none: jobs cannot run as another user, nor get namespaces of their own");
            yield break;
        }
        foreach (var (_, name, without) in lacking)
            yield return new Capability(name, CapabilityState.Limited, $"not held: {without}", $"give it to the service (CapabilityBoundingSet=) or the container (--cap-add {name[4..]})");
    }

    /// <param name="limits">The text of /proc/self/limits.</param>
    public static Capability OpenFiles(string limits)
    {
        const string Name = "open files", Key = "Max open files";
        var line = limits.Split('\n').FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal));
        if (line is null || KernelText.Words(line[Key.Length..]) is not [_, var hardText, ..])
            return new Capability(Name, CapabilityState.Limited, "/proc/self/limits does not tell");
        if (KernelText.ReadNumber(hardText) is not { } hard)
            return new Capability(Name, CapabilityState.Works, hardText);
        var detail = FormattableString.Invariant($"{hard}, enough for some {hard / FilesOfAJob} jobs at once");
        return hard >= Enough
            ? new Capability(Name, CapabilityState.Works, detail)
            : new Capability(Name, CapabilityState.Limited, detail, "raise the hard limit: LimitNOFILE=1048576 in the unit, ulimit -Hn in a shell");
    }

    private static string[] Field(string status, string key) =>
        status.Split('\n').FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal)) is { } line
            ? line[key.Length..].Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)
            : [];
}
