using Microsoft.Win32.SafeHandles;
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
        var jobs = new JobKeeper(new ExitFile(settings.StateDirectory, ExitFile.ThisBoot()));
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
                    var code = Serve(front, jobs, () => door ??= new KeeperDoor(settings.StateDirectory), () => door?.Leave());
                    var left = jobs.Count;
                    door?.Leave();
                    if (left == 0)
                    {
                        // Nobody finds this keeper any more when who began it hears of its end.
                        door?.Dispose();
                        door = null;
                    }
                    front.Send(FrontMessages.Number(FrontMessage.Ended, code, left));
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

    /// <returns>The server's exit code.</returns>
    private static int Serve(MessageSocket front, JobKeeper jobs, Action ready, Action leave)
    {
        if (front.Receive() is not { Fds: [var file, var output, var errors] } message) return 1;
        using (file)
        using (output)
        using (errors)
        {
            var (_, times) = FrontMessages.Read(message.Bytes.Span);
            var order = OrderFile.Read(file, [file, file, output, errors]) with { Cgroup = null };
            using var log = new StreamWriter(new FileStream(new SafeFileHandle(errors.Number, ownsHandle: false), FileAccess.Write, bufferSize: 1)) { AutoFlush = true };
            using var manager = new ServiceManager(
                facts =>
                {
                    if (facts.StartsWith("READY=1", StringComparison.Ordinal)) ready();
                    front.TrySend(FrontMessages.Facts(facts));
                },
                times[0] > 0 ? TimeSpan.FromMilliseconds(times[0]) : null);
            using var watch = new ServerWatch(TimeSpan.FromMilliseconds(times[1]), manager, Tell);
            var supervisor = new ServerSupervisor(jobs, line => order with { Streams = (line.Descriptor, output, errors) }, watch, manager, Tell);
            var over = false;
            new Thread(() => Obey(front, supervisor, leaves: times[2] == 1, () => { if (!Volatile.Read(ref over)) leave(); })) { Name = "front", IsBackground = true }.Start();
            var code = supervisor.Run();
            Volatile.Write(ref over, true);
            supervisor.Socket?.Dispose();
            return code;

            void Tell(string sentence)
            {
                try
                {
                    log.WriteLine(sentence);
                }
                catch (IOException)
                {
                    // Whoever it was for has gone.
                }
            }
        }
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
        catch (Exception e) when (e is LinuxException or InvalidDataException or ObjectDisposedException)
        {
            // As good as gone.
        }
        gone();
        supervisor.Leave();
    }
}
