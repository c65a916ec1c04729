using System.Runtime.InteropServices;
using System.Text;
using Runner.Cli;
using Runner.Jobs;
using Runner.Keeper;
using Runner.Linux.Native;
using Runner.Linux.Processes;
using Runner.Server;

namespace Runner;

/// <summary>
/// `runner serve` in the foreground, where the keeper is to outlive it or one has: finds the keeper that the one before it
/// left, or begins one, and stands for it: passes signals on, tells systemd how it is, and ends when the server has ended.
/// </summary>
static class FrontProcess
{
    // What sun_path holds (unix(7)), without its NUL and the socket's name.
    private const int LongestFolder = 107 - 12;

    private const int LongestWait = 3000; // milliseconds

    /// <summary>Whether a keeper has been left with jobs, or is to be left.</summary>
    /// <exception cref="ServeException">One has, and none is wanted.</exception>
    public static bool IsCalledFor(ServeSettings settings)
    {
        if (settings.Leave) return true;
        using var line = KeeperDoor.Knock(settings.StateDirectory);
        return line is not null && (settings.Keeper
            ? true
            : throw new ServeException(ExitCode.BadState, $"serve: --no-keeper: a keeper was left with jobs of {settings.StateDirectory}; serve with it, or runner stop them first"));
    }

    /// <returns>The exit code.</returns>
    public static int Run(ServeSettings settings, TextWriter error)
    {
        if (Libc.GetEffectiveUser() != 0)
            throw new ServeException(ExitCode.NotRoot, "serve: needs root, to make cgroups and start jobs; run: sudo runner serve");
        if (Encoding.UTF8.GetByteCount(settings.StateDirectory) > LongestFolder)
            throw new ServeException(ExitCode.BadState, $"serve: --state-dir {settings.StateDirectory}: with --on-stop leave it must be at most {LongestFolder} bytes long");
        using var manager = new ServiceManager(Environment.GetEnvironmentVariable, error.WriteLine);
        using var nothing = Libc.Open("/dev/null", OpenFlags.ReadWrite | OpenFlags.CloseOnExec);
        using var output = Libc.Duplicate(1);
        using var errors = Libc.Duplicate(2);
        var order = KeeperProcess.ServerOrder((nothing, output, errors));
        using var signals = new PassedSignals();
        for (var since = Environment.TickCount64; ; Thread.Sleep(50))
        {
            using var line = KeeperDoor.Knock(settings.StateDirectory) ?? Begin(order, nothing);
            using (var file = OrderFile.Write(order))
                line.Send(FrontMessages.Number(FrontMessage.Serve, (int)(manager.Watchdog ?? TimeSpan.Zero).TotalMilliseconds, (int)settings.Watchdog.TotalMilliseconds, settings.Leave ? 1 : 0), file, output, errors);
            signals.PassTo(line);
            var code = Follow(line, manager, error);
            var mustEnd = signals.PassNoMore();
            if (code is not null || mustEnd) return code ?? 0; // turned away, and told to end before it had begun

            // Turned away. Whoever is in may only have looked in, or is about to leave.
            if (Environment.TickCount64 - since > LongestWait)
                throw new ServeException(ExitCode.BadState, "serve: another runner serve is running on this state directory");
        }
    }

    /// <summary>Starts a keeper, which holds nothing of this process but its end of the line.</summary>
    private static MessageSocket Begin(SpawnOrder server, Fd nothing)
    {
        var (mine, theirs) = MessageSocket.CreatePair();
        using (theirs)
        {
            string[] settings = [.. server.Envp.Where(entry => entry != $"{KeeperProcess.Mark}=1"), $"{LastingKeeper.Mark}=1"];
            using var process = Spawner.Spawn(server with { Envp = settings, Streams = (theirs.Descriptor, nothing, nothing) }).Pidfd;
        }
        return mine;
    }

    /// <returns>The server's exit code; null: the keeper has said nothing, for another one is in.</returns>
    private static int? Follow(MessageSocket line, ServiceManager manager, TextWriter error)
    {
        var heard = false;
        while (line.Receive() is { } message)
        {
            heard = true;
            var (kind, numbers) = FrontMessages.Read(message.Bytes.Span);
            switch (kind)
            {
                case FrontMessage.Facts:
                    manager.Send(FrontMessages.ReadFacts(message.Bytes.Span));
                    break;
                case FrontMessage.Ended:
                    if (numbers[1] > 0) error.WriteLine($"{numbers[1]} jobs go on; the next runner serve on this state directory takes them over");
                    return numbers[0];
            }
        }
        return heard ? throw new ServeException(ExitCode.Failed, "serve: the keeper is gone, so all jobs were killed") : null;
    }

    /// <summary>Signals to this process, each passed on once: those that come while there is no line wait for one.</summary>
    private sealed class PassedSignals : IDisposable
    {
        private readonly Lock _lock = new();
        private readonly Queue<int> _waiting = new();
        private readonly PosixSignalRegistration[] _registrations;
        private MessageSocket? _line;
        private bool _mustEnd;

        public PassedSignals() => _registrations =
        [
            .. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT }.Select(signal => PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                Pass(context.Signal is PosixSignal.SIGHUP ? Signals.HangUp : Signals.Terminate);
            })),
        ];

        /// <summary>Until <see cref="PassNoMore"/> the line must not be closed.</summary>
        public void PassTo(MessageSocket line)
        {
            lock (_lock)
            {
                _line = line;
                while (_waiting.TryDequeue(out var signal)) line.TrySend(FrontMessages.Number(FrontMessage.Signal, signal));
            }
        }

        /// <summary>Whether one has come that ends servers.</summary>
        public bool PassNoMore()
        {
            lock (_lock)
            {
                _line = null;
                return _mustEnd;
            }
        }

        public void Dispose()
        {
            PassNoMore();
            foreach (var registration in _registrations) registration.Dispose();
        }

        private void Pass(int signal)
        {
            lock (_lock)
            {
                _mustEnd |= signal != Signals.HangUp;
                if (_line is null) _waiting.Enqueue(signal);
                else _line.TrySend(FrontMessages.Number(FrontMessage.Signal, signal));
            }
        }
    }
}
