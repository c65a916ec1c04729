using Runner.Jobs;

namespace Runner.Linux.Cgroups;

/// <summary>One controller in one kind of tree: which files hold its limits and its accounts, and in which words.
/// Pure; the caller touches the files.</summary>
abstract class Controller(string name)
{
    /// <summary>As the kernel calls it: "cpu", "memory", "pids", "io" (v2), "blkio" (v1).</summary>
    public string Name { get; } = name;

    /// <summary>Whether a job under these limits needs a directory of this controller, for a limit or for its accounts.</summary>
    public virtual bool IsNeeded(ResourceLimits limits) => true;

    /// <summary>What to write to the subtree of all jobs, once, for its accounts to be kept; a kernel that does not take it keeps what it can.</summary>
    /// <param name="disks">MAJOR:MINOR of each whole disk.</param>
    public virtual IEnumerable<(string File, string Text)> ToKeepAccounts(IEnumerable<string> disks) => [];

    /// <summary>What to write, in this order; nothing for a limit that was not asked for.</summary>
    public virtual IEnumerable<LimitFile> ToFiles(ResourceLimits limits) => [];

    /// <summary>Adds the limits these files hold to those of the other controllers.</summary>
    /// <param name="read">A file's text by its name; null: there is no such file.</param>
    public virtual ResourceLimits FromFiles(Func<string, string?> read, ResourceLimits limits) => limits;

    /// <summary>Adds the accounts these files hold to those of the other controllers.</summary>
    /// <param name="read">A file's text by its name; null: there is no such file.</param>
    public virtual ResourceUsage ReadUsage(Func<string, string?> read, ResourceUsage usage) => usage;
}

/// <summary>A text for a file, and the limit it is for, as the API names it.</summary>
/// <param name="IfPresent">A safeguard beside the limit: left out where this kernel has no such file.</param>
/// <param name="Or">The file for it where this kernel does not have the first.</param>
/// <param name="Never">Why this kind of tree cannot hold such a limit at all. Null: it can.</param>
readonly record struct LimitFile(string File, string Text, string Limit, string Value, bool IfPresent = false, string? Or = null, string? Never = null);
