using System.Text;

namespace Runner.Linux.Cgroups;

/// <summary>Where this machine's cgroup hierarchies are mounted, by what proc_pid_mountinfo(5) says.</summary>
/// <param name="V2">The one v2 hierarchy, wherever it is mounted. Null: there is none.</param>
/// <param name="V1">The v1 hierarchies by the name of each controller in them; two controllers may share one.</param>
sealed record CgroupMounts(CgroupMount? V2, IReadOnlyDictionary<string, CgroupMount> V1)
{
    // What a job of ours uses of v1; others there are none of our business.
    private static readonly string[] s_ofJobs = ["cpu", "memory", "pids", "blkio"];

    /// <summary>The v1 controllers there are of those that jobs are held by.</summary>
    public IEnumerable<string> JobsInV1 => s_ofJobs.Where(V1.ContainsKey);

    /// <summary>The table of the calling process, hence of its mount namespace.</summary>
    public static CgroupMounts OfThisProcess() => Parse(File.ReadAllText("/proc/self/mountinfo"));

    public static CgroupMounts Parse(string mountInfo)
    {
        CgroupMount? v2 = null;
        var v1 = new Dictionary<string, CgroupMount>(StringComparer.Ordinal);
        foreach (var line in mountInfo.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // 32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:7 - cgroup cgroup rw,cpu
            var halves = line.Split(" - ", 2);
            if (halves.Length != 2)
                continue;
            var mount = halves[0].Split(' ');
            var super = halves[1].Split(' ');
            if (mount.Length < 6 || super.Length < 3)
                continue;
            var options = super[2].Split(',');
            var found = new CgroupMount(
                Unescape(mount[4]),
                IsWhole: mount[3] == "/",
                IsReadOnly: mount[5].Split(',').Contains("ro") || options.Contains("ro"));

            // A container may see a part of a hierarchy mounted a second time; the whole of it is the better one.
            if (super[0] == "cgroup2")
                v2 = v2 is { IsWhole: true } ? v2 : found;
            else if (super[0] == "cgroup")
                foreach (var controller in options.Where(option => option is not ("rw" or "ro") && !option.Contains('=')))
                    if (!v1.TryGetValue(controller, out var other) || !other.IsWhole)
                        v1[controller] = found;
        }
        return new CgroupMounts(v2, v1);
    }

    // Space, tab, newline and backslash stand as three octal digits (proc_pid_mountinfo(5)).
    private static string Unescape(string text)
    {
        if (!text.Contains('\\'))
            return text;
        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text.AsSpan(i + 1, 3).IndexOfAnyExceptInRange('0', '7') < 0)
            {
                plain.Append((char)(((text[i + 1] - '0') * 64) + ((text[i + 2] - '0') * 8) + (text[i + 3] - '0')));
                i += 3;
            }
            else
            {
                plain.Append(text[i]);
            }
        }
        return plain.ToString();
    }
}

/// <summary>One place where a hierarchy is mounted.</summary>
/// <param name="IsWhole">Its root is the hierarchy's (or the cgroup namespace's), not a part of it.</param>
sealed record CgroupMount(string Path, bool IsWhole = true, bool IsReadOnly = false);
