namespace Runner.Tests.Support;

/// <summary>A cgroup subtree for one server of a test. A server that ends well removes it; what a failed one left is killed and removed here.</summary>
public sealed class OwnCgroup : IAsyncDisposable
{
    // Cgroups are empty only some time after their processes were killed.
    private const string Clear = """
        [ ! -e "$1/cgroup.kill" ] || echo 1 >"$1/cgroup.kill"
        for i in $(seq 200); do
            find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
            [ -e "$1" ] || exit 0
            sleep 0.05
        done
        exit 1
        """;

    public string Name { get; } = $"runner-test-{Guid.NewGuid():N}";

    /// <summary>Its directories in the hierarchies of this machine, those with a name that starts with its own among them.</summary>
    public IEnumerable<string> Directories() =>
        Directory.GetDirectories("/sys/fs/cgroup").Prepend("/sys/fs/cgroup").SelectMany(root => Directory.GetDirectories(root, $"{Name}*"));

    public async ValueTask DisposeAsync()
    {
        // The hierarchy with the processes first: the others' cgroups are empty once they are gone.
        foreach (var directory in Directories().OrderByDescending(directory => File.Exists($"{directory}/cgroup.kill")).ToList())
            (await ChildProcess.ShellAsync(Clear, directory)).Expect(0);
    }
}
