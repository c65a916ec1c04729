using System.Net.Sockets;
using Runner.Jobs;
using Runner.Keeper;
using Runner.Linux.Native;
using Runner.Linux.Processes;
using Runner.Server;

namespace Runner;

/// <summary>
/// A keeper that outlives the `runner serve` in the foreground that began it: when that ends, so does the server, and the
/// jobs go on with the keeper as their parent until the next `runner serve` comes in by the door, whose program it becomes.
/// </summary>
sealed class LastingKeeper : IDisposable
{
    /// <summary>Set for such a keeper, whose standard input is then its line to who began it.</summary>
    public const string Mark = "RUNNER_LASTING_KEEPER";

    private readonly ServeSettings _settings;
    private readonly JobKeeper _jobs;
    private KeeperDoor? _door;

    private LastingKeeper(ServeSettings settings, KeeperState? before)
    {
        _settings = settings;
        _jobs = new(new ExitFile(settings.StateDirectory, ExitFile.ThisBoot()), before?.Jobs);
        if (before?.Lasting?.Door is { } door) _door = new(settings.StateDirectory, door);
    }

    public static bool IsThis => Environment.GetEnvironmentVariable(Mark) is not null;

    /// <summary>Serves one after another that comes in, until no job is left.</summary>
    public static int Run(ServeSettings settings)
    {
        KeeperProcess.BecomeKeeper();
        var before = KeeperProcess.Before();
        using var keeper = new LastingKeeper(settings, before);
        return keeper.ServeAll(before);
    }

    public void Dispose() => _door?.Dispose();

    private int ServeAll(KeeperState? before)
    {
        var front = before?.Lasting is { } lasting ? new MessageSocket(lasting.Front.Line) : WhoBeganIt();
        while (true)
        {
            using (front)
            {
                var code = Serve(front, before);
                var left = _jobs.Count;
                _door?.Leave();
                if (left == 0)
                {
                    // Nobody finds this keeper any more when who began it hears of its end.
                    _door?.Dispose();
                    _door = null;
                }
                TellEnd(front, code, left);
                if (_door is null) return code;
            }
            (front, before) = (_door.Next(), null);
        }
    }

    private static MessageSocket WhoBeganIt()
    {
        var own = Libc.Duplicate(0);
        return own.IsInvalid ? throw LinuxException.Last("fcntl") : new(own);
    }

    private static void TellEnd(MessageSocket front, int code, int left)
    {
        try
        {
            front.Send(FrontMessages.Number(FrontMessage.Ended, code, left));
        }
        catch (LinuxException)
        {
            // It sees that the line is closed.
        }
    }

    /// <summary>From now on the next one finds this keeper.</summary>
    private void OpenDoor()
    {
        try
        {
            _door ??= new KeeperDoor(_settings.StateDirectory);
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"its jobs could not be left, as there is no way to find their keeper: {e.Message}", e);
        }
    }

    /// <param name="front">Who is in.</param>
    /// <param name="before">Of the program that was in this place before, which had let it in; null: it has not said anything yet.</param>
    /// <returns>The server's exit code. Who does not say what to serve, or not so that it can be understood, is sent away with 1.</returns>
    private int Serve(MessageSocket front, KeeperState? before)
    {
        try
        {
            if (before?.Lasting is { } lasting)
            {
                using (lasting.Front) return Serve(front, lasting.Front, lasting.Front.ReadOrder(), before);
            }
            using var wish = front.Receive() is { } message ? FrontWish.Of(front, message) : null;
            if (wish is null) return 1;
            var order = wish.ReadOrder();

            // Whoever comes to jobs that were left brings their keeper the program to be.
            if (_door is not null) BecomeThat(wish, order);
            return Serve(front, wish, order, null);
        }
        catch (Exception)
        {
            return 1; // whatever is wrong with a guest, the jobs go on
        }
    }

    private void BecomeThat(FrontWish wish, SpawnOrder order)
    {
        var successor = SuccessorOf(order);
        var flaw = successor.Try(_jobs, KeeperState.LastingFormat) ?? Replace(successor, new(wish, Door: null, IsReload: false), null, reloadAgain: false);
        new KeeperLog(wish.Errors).Tell($"the keeper stays as it is: {flaw}");
    }

    private static Successor SuccessorOf(SpawnOrder order) =>
        new(order.Path, order.Argv, [.. order.Envp.Where(setting => setting != $"{KeeperProcess.Mark}=1")], order.Directory);

    /// <summary>Returns only if it fails, with what is wrong.</summary>
    private string Replace(Successor successor, LastingState state, Fd? socket, bool reloadAgain)
    {
        using var door = _door?.Duplicate();
        var flaw = "";
        _jobs.Hold(kept => flaw = successor.TakeOver(new(null, false, reloadAgain, socket, kept, state with { Door = door }), $"{Mark}=1"));
        return flaw;
    }

    private int Serve(MessageSocket front, FrontWish wish, SpawnOrder order, KeeperState? before)
    {
        var log = new KeeperLog(order.Streams.Stderr);
        using var manager = new ServiceManager(
            facts =>
            {
                if (facts.StartsWith("READY=1", StringComparison.Ordinal)) OpenDoor();
                front.TrySend(FrontMessages.Facts(facts));
            },
            wish.Alive > 0 ? TimeSpan.FromMilliseconds(wish.Alive) : null);
        using var watch = new ServerWatch(TimeSpan.FromMilliseconds(wish.Patience), manager, log.Tell);
        var successor = SuccessorOf(order);
        ServerSupervisor? supervisor = null;
        supervisor = new(_jobs, line => order with { Streams = (line.Descriptor, order.Streams.Stdout, order.Streams.Stderr) }, watch, manager, log.Tell)
        {
            Grace = KeeperProcess.GraceOf(_settings),
            Trial = () => successor.Try(_jobs, KeeperState.LastingFormat),
            Replace = again => log.Tell($"the keeper stays as it is: {Replace(successor, new(wish, Door: null, IsReload: true), supervisor!.Socket, again)}"),
        };
        if (before is { Lasting.IsReload: true })
        {
            supervisor.Inherit(before.Socket, before.ReloadAgain);
            front.TrySend(FrontMessages.Number(FrontMessage.Replaced));
        }
        var obeying = supervisor.ListenTo("front", () => front.Wait(), () => Obey(front, supervisor, wish.Leaves));
        var code = supervisor.Run();

        // It ends before anything that it uses does.
        front.HangUpReading();
        obeying.Join();
        supervisor.Socket?.Dispose();
        return code;
    }

    /// <summary>Does what the front says next. False: it is gone, and so has left, however it went.</summary>
    private bool Obey(MessageSocket front, ServerSupervisor supervisor, bool leaves)
    {
        try
        {
            if (front.Receive() is { } message)
            {
                if (FrontMessages.Read(message.Bytes.Span) is not (FrontMessage.Signal, [var signal])) return true;
                if (leaves && signal != Signals.HangUp) supervisor.Leave();
                else supervisor.Signal(signal);
                return true;
            }
        }
        catch (Exception e) when (e is LinuxException or InvalidDataException)
        {
            // As good as gone.
        }
        _door?.Leave();
        supervisor.Leave();
        return false;
    }
}
