using System.Runtime.InteropServices;
using System.Text;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Bench.Programs;

/// <summary>A program that was started by the product's own spawn, which costs less than the platform's; never outlives this object.</summary>
sealed unsafe partial class Child : IDisposable
{
    private const int SigTerm = 15;
    private const int SigKill = 9;

    private readonly SpawnedProcess _process;
    private readonly Fd? _output;
    private readonly Fd? _input;
    private readonly StringBuilder _line = new();
    private bool _waitedFor;

    private Child(SpawnedProcess process, Fd? output, Fd? input) => (_process, _output, _input) = (process, output, input);

    public int Id => _process.Pid;

    /// <summary>Where its complaints go: a file that the run throws away, its end shown when something fails.</summary>
    public static string Complaints { get; } = Path.Combine(Path.GetTempPath(), $"runner-bench-{Environment.ProcessId}.log");

    /// <summary>Starts a program whose standard output nobody wants.</summary>
    public static Child Start(string program, params string[] args) => Start(program, args, [], wantsOutput: false, hasInput: false);

    /// <summary>Starts a program that is talked to over pipes.</summary>
    public static Child Talk(string program, params string[] args) => Start(program, args, [], wantsOutput: true, hasInput: true);

    public static Child Start(string program, IEnumerable<string> args, IEnumerable<string> environment, bool wantsOutput, bool hasInput)
    {
        var path = ProgramPath.Resolve(program, SearchPath);
        using var nothing = Libc.Open("/dev/null", OpenFlags.ReadWrite | OpenFlags.CloseOnExec);
        using var complaints = Libc.Open(Complaints, OpenFlags.WriteOnly | OpenFlags.Create | Append | OpenFlags.CloseOnExec, 0x180);
        var (output, theirOutput) = wantsOutput ? Pipes.Create() : (null, null);
        var (theirInput, input) = hasInput ? Pipes.Create() : (null, null);
        using (theirInput)
        using (theirOutput)
        {
            var spawned = Spawner.Spawn(new(
                path, [program, .. args], [$"PATH={SearchPath}", "HOME=/nonexistent", .. environment], "/",
                null, [], (theirInput ?? nothing, theirOutput ?? nothing, complaints)));
            return new Child(spawned, output, input);
        }
    }

    /// <summary>Runs a program to its end, and says how long that took as a whole.</summary>
    /// <exception cref="BenchException">It ended badly.</exception>
    public static Ran Run(string program, IEnumerable<string> args, IEnumerable<string> environment)
    {
        var begin = Measuring.Clock.Now;
        using var child = Start(program, args, environment, wantsOutput: false, hasInput: false);
        var (status, cpu) = child.WaitForEnd();
        var milliseconds = Measuring.Clock.MillisecondsSince(begin);
        return status == 0 ? new Ran(milliseconds, cpu) : throw new BenchException($"{program} {string.Join(' ', args)}: ended with status {status}");
    }

    /// <summary>The next line it writes.</summary>
    /// <exception cref="BenchException">It ended.</exception>
    public string ReadLine()
    {
        // Mostly a few lines come at once; what is past the first stays for the next call.
        while (true)
        {
            var text = _line.ToString();
            if (text.IndexOf('\n', StringComparison.Ordinal) is >= 0 and var end)
            {
                _line.Remove(0, end + 1);
                return text[..end];
            }
            var piece = Read();
            if (piece.Length == 0) throw new BenchException($"process {Id} ended before it had answered");
            _line.Append(Encoding.ASCII.GetString(piece));
        }
    }

    /// <summary>The next bytes it writes; none at its end.</summary>
    public byte[] Read()
    {
        var buffer = stackalloc byte[64 * 1024];
        nint got;
        while ((got = Libc.Read(_output!, buffer, 64 * 1024)) < 0)
            if ((Errno)Marshal.GetLastPInvokeError() != Errno.EINTR) throw LinuxException.Last("read");
        return new Span<byte>(buffer, (int)got).ToArray();
    }

    public void WriteLine(string text)
    {
        var bytes = Encoding.ASCII.GetBytes(text + "\n");
        fixed (byte* start = bytes)
            if (Libc.Write(_input!, start, (nuint)bytes.Length) != bytes.Length) throw LinuxException.Last("write");
    }

    /// <summary>Asks it to end, and waits until it has.</summary>
    /// <returns>Its exit code, or minus the signal that ended it.</returns>
    public int Stop()
    {
        _input?.Dispose();
        if (!_waitedFor) _ = Libc.SignalProcess(_process.Pidfd, SigTerm);
        return WaitForEnd().Status;
    }

    /// <summary>Waits for its end; returns how it ended and the CPU seconds it and its children used.</summary>
    public (int Status, double Cpu) WaitForEnd()
    {
        int status;
        var usage = stackalloc long[18]; // struct rusage (getrusage(2)): two times of two words each, then fourteen more
        while (Wait4(Id, &status, 0, usage) != Id)
            if ((Errno)Marshal.GetLastPInvokeError() != Errno.EINTR) throw LinuxException.Last("wait4");
        _waitedFor = true;
        var cpu = usage[0] + usage[2] + (usage[1] + usage[3]) / 1e6;
        return ((status & 0x7F) != 0 ? -(status & 0x7F) : status >> 8 & 0xFF, cpu);
    }

    public void Dispose()
    {
        if (!_waitedFor)
        {
            _ = Libc.SignalProcess(_process.Pidfd, SigKill);
            WaitForEnd();
        }
        _process.Pidfd.Dispose();
        _output?.Dispose();
        _input?.Dispose();
    }

    private const string SearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private const OpenFlags Append = (OpenFlags)0x400; // O_APPEND

    [LibraryImport("libc", EntryPoint = "wait4", SetLastError = true)]
    private static partial int Wait4(int pid, int* status, int options, long* usage);
}

/// <summary>A program that ended well: how long it took as a whole, and the CPU seconds of it.</summary>
readonly record struct Ran(double Milliseconds, double Cpu);

/// <summary>Something cannot be measured; the message says why.</summary>
sealed class BenchException(string message) : Exception(message);
