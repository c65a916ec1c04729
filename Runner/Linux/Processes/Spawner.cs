using System.Runtime.InteropServices;
using System.Text;
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
    public int TaskFdCount;
    public int CgroupFd;
    public int StdinFd, StdoutFd, StderrFd;
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
    /// <exception cref="SpawnException">It has not been; nothing is left.</exception>
    public static SpawnedProcess Spawn(SpawnOrder order)
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
            TaskFdCount = tasks.Count,
            CgroupFd = order.Cgroup?.Number ?? -1,
            StdinFd = streams.Stdin.Number,
            StdoutFd = streams.Stdout.Number,
            StderrFd = streams.Stderr.Number,
        };
        var result = Spawn(&request);
        GC.KeepAlive(order);
        return result == 0
            ? new(request.Pid, new Fd(request.Pidfd))
            : throw new SpawnException(request.Step, request.Error, order.Path);
    }

    [LibraryImport(Library, EntryPoint = "runner_spawn_request_size")]
    internal static partial int RequestSize();

    [LibraryImport(Library, EntryPoint = "runner_spawn")]
    private static partial int Spawn(SpawnRequest* request);

    /// <summary>Zero-terminated UTF-8 outside the managed heap, freed together.</summary>
    private sealed class NativeStrings : IDisposable
    {
        private readonly List<nint> _blocks = [];

        public byte* Add(string text)
        {
            var length = Encoding.UTF8.GetByteCount(text);
            var block = (byte*)Allocate((nuint)length + 1);
            Encoding.UTF8.GetBytes(text, new Span<byte>(block, length));
            block[length] = 0;
            return block;
        }

        public byte** AddAll(IReadOnlyList<string> texts)
        {
            var array = (byte**)Allocate((nuint)(texts.Count + 1) * (nuint)sizeof(byte*));
            for (var i = 0; i < texts.Count; i++) array[i] = Add(texts[i]);
            array[texts.Count] = null;
            return array;
        }

        public void Dispose()
        {
            foreach (var block in _blocks) NativeMemory.Free((void*)block);
        }

        private void* Allocate(nuint size)
        {
            var block = NativeMemory.Alloc(size);
            _blocks.Add((nint)block);
            return block;
        }
    }
}
