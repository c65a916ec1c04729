using System.Runtime.InteropServices;
using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>What the child half does, in order; a failed spawn names one. The same as <c>spawn_step</c> in spawn.c.</summary>
enum SpawnStep
{
    None,
    Clone,
    Cgroup,
    Session,
    Streams,
    Limits,
    Signals,
    Chdir,
    Exec,
}

/// <summary><c>struct spawn_request</c> of spawn.c.</summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct SpawnRequest
{
    public byte* Path;
    public byte** Argv;
    public byte** Envp;
    public byte* Directory;
    public int* TaskFds;
    public int* Born;
    public int TaskFdCount;
    public int CgroupFd;
    public int StdinFd, StdoutFd, StderrFd;
    public int UsualOomScore;
    public int Pid;
    public int Pidfd;
    public SpawnStep Step;
    public Errno Error;
}

/// <summary>A program that has been exec'd; its descriptor tells when it has gone.</summary>
readonly record struct SpawnedProcess(int Pid, Fd Pidfd);

/// <summary>The kernel refused a spawn: at which step and why. Nothing is left of it.</summary>
/// <param name="program">What was to be executed. Null: no folder of PATH has it.</param>
sealed class SpawnException(SpawnStep step, Errno errno, string? program = null) : Exception($"{step}: {LinuxException.Describe(errno)}")
{
    public SpawnStep Step { get; } = step;
    public Errno Errno { get; } = errno;
    public string? Program { get; } = program;
}

/// <summary>Starts programs by clone3 and execve; see spawn.c for the child half.</summary>
static unsafe partial class Spawner
{
    private const string Library = "runner_native";

    /// <summary>Returns when the program has been exec'd inside the cgroup.</summary>
    /// <param name="order">What.</param>
    /// <param name="birth">Tells others of the process while this has not returned; null: nobody asks.</param>
    /// <exception cref="SpawnException">It has not been; nothing is left.</exception>
    public static SpawnedProcess Spawn(SpawnOrder order, Birth? birth = null)
    {
        var (tasks, streams) = (order.Tasks, order.Streams);
        var taskFds = stackalloc int[tasks.Count];
        for (var i = 0; i < tasks.Count; i++) taskFds[i] = tasks[i].Number;
        using var strings = new NativeStrings();
        var request = new SpawnRequest
        {
            Path = strings.Add(order.Path),
            Argv = strings.AddAll(order.Argv),
            Envp = strings.AddAll(order.Envp),
            Directory = strings.Add(order.Directory),
            TaskFds = taskFds,
            Born = birth is null ? null : birth.Place,
            TaskFdCount = tasks.Count,
            CgroupFd = order.Cgroup?.Number ?? -1,
            StdinFd = streams.Stdin.Number,
            StdoutFd = streams.Stdout.Number,
            StderrFd = streams.Stderr.Number,
            UsualOomScore = OwnOomScore.IsUsual ? 0 : 1,
        };
        var result = Spawn(&request);
        GC.KeepAlive(order);
        GC.KeepAlive(birth);
        return result == 0
            ? new(request.Pid, new Fd(request.Pidfd))
            : throw new SpawnException(request.Step, request.Error, order.Path);
    }

    [LibraryImport(Library, EntryPoint = "runner_spawn_request_size")]
    internal static partial int RequestSize();

    [LibraryImport(Library, EntryPoint = "runner_spawn")]
    private static partial int Spawn(SpawnRequest* request);
}
