using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>Runs one server after another until one of them ends as planned: a server that dies is replaced, and its jobs go on.</summary>
/// <param name="jobs">What outlives a server.</param>
/// <param name="order">How to start one, given its end of the line.</param>
/// <param name="watch">Ends a server that hangs.</param>
/// <param name="manager">Hears how the service is.</param>
/// <param name="tell">Gets a sentence for the log.</param>
sealed class ServerSupervisor(JobKeeper jobs, Func<MessageSocket, SpawnOrder> order, ServerWatch watch, ServiceManager manager, Action<string> tell)
{
    /// <summary>Between a server that died and the next one.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private const int SigTerm = 15;
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(100);

    private readonly object _lock = new();
    private Fd? _server;
    private Fd? _listening;
    private bool _ready;
    private bool _stopping;

    /// <summary>Returns the exit code of the server that ended as planned, or that never got as far as answering calls.</summary>
    public int Run()
    {
        var everReady = false;
        for (var pause = s_firstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            var exit = RunOne();
            if (_ready) (everReady, pause) = (true, s_firstPause);
            if (exit.Code == SigInfo.Exited && (exit.Status == 0 || !everReady || _stopping)) return exit.Status;
            manager.Status($"the server {How(exit)}; another one starts");
            tell($"the server {How(exit)}; its jobs go on, another one starts in {pause.TotalSeconds:0.#} s");
            lock (_lock)
                if (!_stopping) Monitor.Wait(_lock, pause);
        }
    }

    /// <summary>Passes a signal on to the server. One that asks for the end ends the servers that come after too.</summary>
    public void Signal(int signal)
    {
        if (signal is not SigHup) manager.Stopping();
        lock (_lock)
        {
            _stopping |= signal is not SigHup;
            if (_ready && _server is { } server) _ = Libc.SignalProcess(server, signal);
            Monitor.PulseAll(_lock);
        }
    }

    private const int SigHup = 1;

    private KeptExit RunOne()
    {
        var (line, theirs) = MessageSocket.CreatePair();
        Task<KeptExit> gone;
        using (line)
        {
            using (theirs)
            {
                (var pidfd, gone) = jobs.StartServer(order(theirs), line, _listening);
                lock (_lock) (_server, _ready) = (pidfd, false);
                watch.Begin(line, pidfd);
            }
            try
            {
                while (line.Receive() is { } message)
                {
                    watch.Heard();
                    Take(line, message);
                    watch.Listening();
                }
            }
            catch (Exception e) when (e is InvalidDataException or LinuxException or EndOfStreamException)
            {
                tell($"the server is ended: {e.Message}");
                _ = Libc.SignalProcess(_server!, SigKill);
            }
            finally
            {
                watch.End();
            }
        }
        var exit = gone.GetAwaiter().GetResult();
        lock (_lock)
        {
            _server!.Dispose();
            _server = null;
        }
        return exit;
    }

    private const int SigKill = 9;

    private void Take(MessageSocket line, ReceivedMessage message)
    {
        var (kind, rest) = Messages.Read(message);
        using (rest)
        {
            switch (kind)
            {
                case MessageKind.Start:
                    Start(line, rest.ReadUInt32(), rest.ReadJob(), rest.ReadByte(), message.Fds);
                    break;
                case MessageKind.Forget:
                    jobs.Forget(rest.ReadJob());
                    break;
                case MessageKind.Listening:
                    _listening?.Dispose();
                    _listening = message.Fds[0];
                    break;
                case MessageKind.Ready:
                    BecomeReady();
                    break;
            }
        }
    }

    private void BecomeReady()
    {
        lock (_lock)
        {
            _ready = true;
            if (!_stopping) manager.Ready();
            if (_stopping) _ = Libc.SignalProcess(_server!, SigTerm);
        }
    }

    /// <summary>Descriptors: the order, the cgroup, the three streams, those to be kept, v1 tasks.</summary>
    private void Start(MessageSocket line, uint call, JobId id, int kept, IReadOnlyList<Fd> fds)
    {
        var keep = fds.Skip(5).Take(kept).ToArray();
        Fd[] others = [.. fds.Take(5), .. fds.Skip(5 + kept)];
        try
        {
            var spawned = jobs.Start(id, OrderFile.Read(others[0], others[1..]), keep);
            line.Send(Messages.Started(call, spawned.Pid), spawned.Pidfd);
        }
        catch (SpawnException e)
        {
            foreach (var fd in keep) fd.Dispose();
            line.Send(Messages.NotStarted(call, e.Step, e.Errno));
        }
        finally
        {
            foreach (var fd in others) fd.Dispose();
        }
    }

    private static string How(KeptExit exit) => exit.Code == SigInfo.Exited ? $"exited with code {exit.Status}" : $"was killed by signal {exit.Status}";
}
