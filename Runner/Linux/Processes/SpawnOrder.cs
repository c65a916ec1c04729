using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>A program to start, and what it starts with. The descriptors stay the caller's.</summary>
/// <param name="Path">The program, absolute.</param>
/// <param name="Argv">The name it is told and its arguments; no NUL in any.</param>
/// <param name="Envp">NAME=value; no NUL in any.</param>
/// <param name="Directory">Where it runs.</param>
/// <param name="Cgroup">v2 directory it is born in; null: the caller's own.</param>
/// <param name="Tasks">v1 "tasks" files it enters before exec.</param>
/// <param name="Streams">Descriptors that become 0, 1 and 2.</param>
sealed record SpawnOrder(
    string Path, IReadOnlyList<string> Argv, IReadOnlyList<string> Envp, string Directory,
    Fd? Cgroup, IReadOnlyList<Fd> Tasks, (Fd Stdin, Fd Stdout, Fd Stderr) Streams);
