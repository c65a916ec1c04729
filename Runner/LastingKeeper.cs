using System.Net.Sockets;
using Runner.Jobs;
using Runner.Keeper;
using Runner.Linux.Native;
using Runner.Linux.Processes;
using Runner.Server;

namespace Runner;

/// <summary>
/// A keeper that outlives the `runner serve` in the foreground that began it: when that ends, so does the server, and the
/// jobs go on with the keeper as their parent until the next `runner serve` comes in by the door.
/// </summary>
static class LastingKeeper
{
    /// <summary>Set for such a keeper, whose standard input is then its line to who began it.</summary>
    public const string Mark = "RUNNER_LASTING_KEEPER";

    public static bool IsThis => Environment.GetEnvironmentVariable(Mark) is not null;

    /// <summary>Serves one after another that comes in, until no job is left.</summary>
    public static int Run(ServeSettings settings)
    {
        KeeperProcess.BecomeKeeper();
        var jobs = new JobKeeper();
        KeeperDoor? door = null;
        var own = Libc.Duplicate(0);
        if (own.IsInvalid) throw LinuxException.Last("fcntl");
        var front = new MessageSocket(own);
        try
        {
            while (true)
            {
                using (front)
                {
                    var code = Serve(front, jobs, () => door ??= OpenDoor(settings.StateDirectory), () => door?.Leave());
                    var left = jobs.Count;
                    door?.Leave();
                    if (left == 0)
                    {
                        // Nobody finds this keeper any more when who began it hears of its end.
                        door?.Dispose();
                        door = null;
                    }
                    TellEnd(front, code, left);
                    if (door is null) return code;
                }
                front = door.Next();
            }
        }
        finally
        {
            door?.Dispose();
        }
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

    private static KeeperDoor OpenDoor(string stateDirectory)
    {
        try
        {
            return new KeeperDoor(stateDirectory);
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"its jobs could not be left, as there is no way to find their keeper: {e.Message}", e);
        }
    }

    /// <returns>The server's exit code. Who does not say what to serve, or not so that it can be understood, is sent away with 1.</returns>
    private static int Serve(MessageSocket front, JobKeeper jobs, Action ready, Action leave)
    {
        try
        {
            if (front.Receive() is not { Fds: [var file, var output, var errors] } message) return 1;
            using (file)
            using (output)
            using (errors)
            {
                return FrontMessages.Read(message.Bytes.Span).Numbers is [var alive, var patience, var leaves]
                    ? Serve(front, jobs, OrderFile.Read(file, [file, file, output, errors]) with { Cgroup = null }, alive, patience, leaves == 1, ready, leave)
                    : 1;
            }
        }
        catch (Exception)
        {
            return 1; // whatever is wrong with a guest, the jobs go on
        }
    }

    private static int Serve(MessageSocket front, JobKeeper jobs, SpawnOrder order, int alive, int patience, bool leaves, Action ready, Action leave)
    {
        var log = new KeeperLog(order.Streams.Stderr);
        using var manager = new ServiceManager(
            facts =>
            {
                if (facts.StartsWith("READY=1", StringComparison.Ordinal)) ready();
                front.TrySend(FrontMessages.Facts(facts));
            },
            alive > 0 ? TimeSpan.FromMilliseconds(alive) : null);
        using var watch = new ServerWatch(TimeSpan.FromMilliseconds(patience), manager, log.Tell);
        var supervisor = new ServerSupervisor(
            jobs, line => order with { Streams = (line.Descriptor, order.Streams.Stdout, order.Streams.Stderr) }, watch, manager, log.Tell);
        var obeying = new Thread(() => Obey(front, supervisor, leaves, leave)) { Name = "front", IsBackground = true };
        obeying.Start();
        var code = supervisor.Run();

        // It ends before anything that it uses does.
        front.HangUpReading();
        obeying.Join();
        supervisor.Socket?.Dispose();
        return code;
    }

    /// <summary>A front that is gone has left, however it went.</summary>
    private static void Obey(MessageSocket front, ServerSupervisor supervisor, bool leaves, Action gone)
    {
        try
        {
            while (front.Receive() is { } message)
            {
                if (FrontMessages.Read(message.Bytes.Span) is not (FrontMessage.Signal, [var signal])) continue;
                if (leaves && signal != Signals.HangUp) supervisor.Leave();
                else supervisor.Signal(signal);
            }
        }
        catch (Exception e) when (e is LinuxException or InvalidDataException)
        {
            // As good as gone.
        }
        gone();
        supervisor.Leave();
    }
}
