using System.Globalization;
using System.Text;
using Runner.Cli;
using Runner.Keeper;
using Runner.Linux.Native;
using Runner.Linux.Processes;
using Runner.Server;

namespace Runner;

/// <summary>
/// `runner serve` in the foreground, where the keeper is to outlive it or one has: finds the keeper that the one before it
/// left, or begins one, and stands for it: passes signals on, tells systemd how it is, and ends when the server has ended.
/// </summary>
sealed class FrontProcess
{
    /// <summary>Set for the program that takes the place of such a process: the numbers of what it had open.</summary>
    public const string Mark = "RUNNER_FRONT";

    // What sun_path holds (unix(7)), without its NUL and the socket's name.
    private const int LongestFolder = 107 - 12;

    // Longer than a guest at the keeper's door may say nothing.
    private const int LongestWait = 3000; // milliseconds

    private static readonly TimeSpan s_longestEnd = TimeSpan.FromSeconds(10);

    private readonly ServiceManager _manager;
    private readonly PassedSignals _signals;
    private readonly TextWriter _error;

    private FrontProcess(ServiceManager manager, PassedSignals signals, TextWriter error) => (_manager, _signals, _error) = (manager, signals, error);

    /// <summary>Whether a keeper has been left with jobs, or is to be left.</summary>
    /// <exception cref="ServeException">One has, and none is wanted.</exception>
    public static bool IsCalledFor(ServeSettings settings)
    {
        if (settings.Leave || Environment.GetEnvironmentVariable(Mark) is not null) return true;
        if (KeeperDoor.Knock(settings.StateDirectory) is not var (line, process)) return false;
        using (line)
        using (process)
            return settings.Keeper
                ? true
                : throw new ServeException(ExitCode.BadState, $"serve: --no-keeper: a keeper was left with jobs of {settings.StateDirectory}; serve with it, or runner stop them first");
    }

    /// <returns>The exit code.</returns>
    public static int Run(ServeSettings settings, TextWriter error)
    {
        if (Libc.GetEffectiveUser() != 0)
            throw new ServeException(ExitCode.NotRoot, "serve: needs root, to make cgroups and start jobs; run: sudo runner serve");
        if (Encoding.UTF8.GetByteCount(settings.StateDirectory) > LongestFolder)
            throw new ServeException(ExitCode.BadState, $"serve: --state-dir {settings.StateDirectory}: with --on-stop leave it must be at most {LongestFolder} bytes long");
        var before = Before();
        using var manager = new ServiceManager(Environment.GetEnvironmentVariable, error.WriteLine);
        var front = new FrontProcess(manager, new(before?.Signals ?? SignalPipe.Create()), error);
        return before is { } left ? front.Stand(left.Line, left.Keeper, isHeard: true) ?? 0 : front.Run(settings);
    }

    private int Run(ServeSettings settings)
    {
        using var nothing = Libc.Open("/dev/null", OpenFlags.ReadWrite | OpenFlags.CloseOnExec);
        using var output = Libc.Duplicate(1);
        using var errors = Libc.Duplicate(2);
        var order = KeeperProcess.ServerOrder((nothing, output, errors));
        for (var since = Environment.TickCount64; ; Thread.Sleep(50))
        {
            var (line, keeper) = KeeperDoor.Knock(settings.StateDirectory) ?? Begin(order, nothing);
            using (line)
            using (keeper)
            {
                using (var file = OrderFile.Write(order))
                    line.Send(FrontMessages.Number(FrontMessage.Serve, (int)(_manager.Watchdog ?? TimeSpan.Zero).TotalMilliseconds, (int)settings.Watchdog.TotalMilliseconds, settings.Leave ? 1 : 0), file, output, errors);
                var code = Stand(line, keeper, isHeard: false);
                if (code is not null) return code.Value;
            }

            // Turned away. Whoever is in may only have looked in, or is about to leave.
            if (Environment.TickCount64 - since > LongestWait)
                throw new ServeException(ExitCode.BadState, "serve: another runner serve is running on this state directory");
        }
    }

    /// <summary>Starts a keeper, which holds nothing of this process but its end of the line.</summary>
    private static (MessageSocket Line, Fd Process) Begin(SpawnOrder server, Fd nothing)
    {
        var (mine, theirs) = MessageSocket.CreatePair();
        using (theirs)
        {
            string[] settings = [.. server.Envp.Where(entry => entry != $"{KeeperProcess.Mark}=1"), $"{LastingKeeper.Mark}=1"];
            return (mine, Spawner.Spawn(server with { Envp = settings, Streams = (theirs.Descriptor, nothing, nothing) }).Pidfd);
        }
    }

    /// <returns>The exit code; null: turned away, for another one is in.</returns>
    private int? Stand(MessageSocket line, Fd keeper, bool isHeard)
    {
        _signals.PassTo(line);
        var code = Follow(line, keeper, isHeard);
        return _signals.PassNoMore() ? code ?? 0 : code; // turned away, and told to end before it had begun
    }

    /// <returns>The server's exit code; null: the keeper has said nothing.</returns>
    private int? Follow(MessageSocket line, Fd keeper, bool isHeard)
    {
        for (; line.Receive() is { } message; isHeard = true)
        {
            var (kind, numbers) = FrontMessages.Read(message.Bytes.Span);
            switch (kind)
            {
                case FrontMessage.Facts:
                    _manager.Send(FrontMessages.ReadFacts(message.Bytes.Span));
                    break;
                case FrontMessage.Replaced:
                    _signals.HoldFor(() => Replace(line, keeper));
                    break;
                case FrontMessage.Ended:
                    if (numbers[1] is > 0 and var left)
                        _error.WriteLine($"{(left == 1 ? "1 job goes" : $"{left} jobs go")} on; the next runner serve on this state directory takes {(left == 1 ? "it" : "them")} over");

                    // This process is the last one of the service, whose cgroup a service manager removes when this one has gone, or never.
                    else if (!keeper.IsInvalid) FdWait.For(keeper, PollEvents.Readable, s_longestEnd);
                    return numbers[0];
            }
        }
        return isHeard ? throw new ServeException(ExitCode.Failed, "serve: the keeper is gone, so all jobs were killed") : null;
    }

    /// <summary>Puts the program on the disk, which the keeper has tried and become, in the place of this one. Returns only if that fails: then it goes on as it is.</summary>
    private void Replace(MessageSocket line, Fd keeper)
    {
        Fd[] open = [line.Descriptor, _signals.Pipe.Out, _signals.Pipe.In, .. keeper.IsInvalid ? (Fd[])[] : [keeper]];
        var numbers = string.Join(' ', open.Select(fd => fd.Number.ToString(CultureInfo.InvariantCulture)));
        string[] words = ["runner", .. Environment.GetCommandLineArgs()[1..]], settings = [.. KeeperProcess.InheritedBut(Mark), $"{Mark}={numbers}"];
        var error = SelfReplacement.Run(SelfReplacement.Path(), words, settings, open);
        _error.WriteLine($"the process in the foreground stays the program that it is: {error.Message}");
    }

    /// <summary>What the program that was in this process before has left; null: there was none.</summary>
    private static (MessageSocket Line, Fd Keeper, SignalPipe Signals)? Before()
    {
        if (Environment.GetEnvironmentVariable(Mark) is not { } numbers) return null;
        if (numbers.Split(' ').Select(number => int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var fd) ? new Fd(fd) : null).ToArray() is not [{ } line, { } signalsOut, { } signalsIn, .. var rest])
            throw new ServeException(ExitCode.Failed, $"serve: {Mark} {numbers}: is not what such a process leaves");
        var keeper = rest is [{ } process] ? process : new Fd();
        SelfReplacement.Hide([line, signalsOut, signalsIn, keeper]);
        return (new(line), keeper, new(signalsOut, signalsIn));
    }
}
