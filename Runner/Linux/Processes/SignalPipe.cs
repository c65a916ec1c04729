using System.Runtime.InteropServices;
using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>SIGHUP, SIGINT, SIGQUIT and SIGTERM as bytes in a pipe, which outlives an execve(2) of this process; see signals.c.</summary>
/// <param name="Out">Where they are read.</param>
/// <param name="In">Where the handler writes them; does not block.</param>
sealed unsafe partial record SignalPipe(Fd Out, Fd In)
{
    private const string Library = "runner_native";

    public static SignalPipe Create()
    {
        var ends = stackalloc int[2];
        if (Libc.Pipe(ends, OpenFlags.CloseOnExec | OpenFlags.NonBlocking) != 0) throw LinuxException.Last("pipe2");
        return new(new Fd(ends[0]), new Fd(ends[1]));
    }

    /// <summary>From now on, and those that a program in this place before held back.</summary>
    public void Begin()
    {
        if (Take(In.Number) != 0) throw LinuxException.Last("sigaction");
    }

    /// <summary>Leaves those that come from now on for the program that this one is about to be replaced by, or for <see cref="Begin"/>.</summary>
    public static void HoldBack() => _ = Hold();

    /// <summary>Waits until there is one.</summary>
    public void Wait() => FdWait.For(Out, PollEvents.Readable);

    /// <summary>Null: there is none.</summary>
    public int? Take()
    {
        byte signal;
        return Libc.Read(Out, &signal, 1) == 1 ? signal : null;
    }

    [LibraryImport(Library, EntryPoint = "runner_signals_to", SetLastError = true)]
    private static partial int Take(int end);

    [LibraryImport(Library, EntryPoint = "runner_signals_hold")]
    private static partial int Hold();
}
