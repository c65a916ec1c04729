using Runner.Jobs;

namespace Runner.Linux.Processes;

/// <summary>What a job finds in its environment: a small clean default and what was asked for; nothing of the server's own.</summary>
static class JobEnvironment
{
    private const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    public static IReadOnlyList<string> For(JobId id, IReadOnlyDictionary<string, string> asked)
    {
        var all = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["HOME"] = "/root",
            ["LANG"] = "C.UTF-8",
            ["PATH"] = DefaultPath,
            ["USER"] = "root",
            ["RUNNER_JOB_ID"] = id.ToString(),
        };
        foreach (var (name, value) in asked) all[name] = value;
        return [.. all.Select(entry => $"{entry.Key}={entry.Value}")];
    }

    public static string PathOf(IReadOnlyDictionary<string, string> asked) =>
        asked.TryGetValue("PATH", out var path) ? path : DefaultPath;
}
