namespace Runner.Tests.Support;

/// <summary>Mount and process namespaces for one script: what it mounts and starts is seen by nobody else, and gone when it ends or is ended.</summary>
static class OwnNamespaces
{
    /// <param name="script">For bash; gets the arguments as $1 and on.</param>
    /// <param name="args">See there.</param>
    /// <param name="network">A network of its own too, with nothing in it but a loopback that is down.</param>
    public static Task<Ran> RunAsync(string script, string[] args, bool network = false) => ChildProcess.RunAsync(
        "unshare",
        [.. network ? ["-n"] : Array.Empty<string>(), "-m", "--propagation", "private", "-p", "--fork", "--kill-child", "--mount-proc", "bash", "-c", script, "bash", .. args],
        RunnerBinary.Surroundings(("HOME", "/root")), TimeSpan.FromMinutes(2));
}
