using System.Collections.Concurrent;
using System.Net.Sockets;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>A server's line to the keeper that started it: the keeper starts the jobs, and tells how they went.</summary>
sealed class KeeperLine : IJobParent, IDisposable
{
    private readonly MessageSocket _socket;
    private readonly ConcurrentDictionary<uint, Call> _calls = new();

    // A job that a former server had not answered for may be killed, and started again with the same id before the end of the first process is told.
    private readonly ConcurrentDictionary<(JobId Job, int Pid), TaskCompletionSource<ReapedProcess>> _ends = new();
    private readonly TaskCompletionSource _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private uint _lastCall;
    private Fd? _listening;

    /// <summary>Reads what was kept of a former server, and goes on listening.</summary>
    public KeeperLine(MessageSocket socket)
    {
        _socket = socket;
        var kept = new List<KeptProcess>();
        while (true)
        {
            var message = socket.Receive() ?? throw new InvalidDataException("the keeper is gone");
            if ((MessageKind)message.Bytes.Span[0] is MessageKind.AllKept) break;
            Take(message, kept);
        }
        Kept = kept;
        new Thread(Listen) { Name = "keeper line", IsBackground = true }.Start();
    }

    /// <summary>What a former server started and the keeper still holds.</summary>
    public IReadOnlyList<KeptProcess> Kept { get; }

    /// <summary>No server was there before this one.</summary>
    public bool IsFirst { get; private set; } = true;

    /// <summary>Done when the keeper is gone, and with it all that could tell how jobs go.</summary>
    public Task Lost => _lost.Task;

    public StartedProcess Start(JobId id, SpawnOrder order, IReadOnlyList<Fd> keep)
    {
        var call = Interlocked.Increment(ref _lastCall);
        var started = (_calls[call] = new(id)).Answer;
        try
        {
            // Closed before the answer comes, which brings a descriptor and may find no other room.
            using (var file = OrderFile.Write(order))
            {
                var streams = order.Streams;
                if (!_socket.Send(Messages.Start(call, id, keep.Count), [file, order.Cgroup!, streams.Stdin, streams.Stdout, streams.Stderr, .. keep, .. order.Tasks]))
                    started.TrySetResult((null, SpawnStep.Clone, Errno.ECHILD));
            }
            var (answer, step, errno) = started.Task.GetAwaiter().GetResult();
            if (answer is not { } process)
            {
                // It runs, but there was no room for its descriptor.
                if (step is SpawnStep.None) _socket.Send(Messages.Abandon(id));
                throw new SpawnException(step is SpawnStep.None ? SpawnStep.Clone : step, errno, order.Path);
            }
            return process;
        }
        finally
        {
            _calls.TryRemove(call, out _);
        }
    }

    public void Forget(JobId id, int pid)
    {
        _ends.TryRemove((id, pid), out _);
        _socket.Send(Messages.Forget(id));
    }

    /// <summary>Tells that the end is stored of a job that a keeper before this one wrote down.</summary>
    public void ForgetLeft(JobId id) => _socket.Send(Messages.Forget(id));

    /// <summary>The listening socket of a former server, then the caller's; null: there was none.</summary>
    public SafeSocketHandle? TakeListeningSocket()
    {
        if (_listening is not { } kept) return null;
        _listening = null;
        var handle = new SafeSocketHandle(kept.Number, ownsHandle: true);
        kept.SetHandleAsInvalid();
        return handle;
    }

    /// <summary>Leaves the listening socket with the keeper, for the next server.</summary>
    public void Keep(SafeSocketHandle listening)
    {
        using var copy = Libc.Duplicate((int)listening.DangerousGetHandle());
        _socket.Send(Messages.Plain(MessageKind.Listening), copy);
    }

    /// <summary>Tells that calls are answered.</summary>
    public void TellReady() => _socket.Send(Messages.Plain(MessageKind.Ready));

    public void Dispose() => _socket.HangUp();

    private void Listen()
    {
        try
        {
            while (_socket.Receive() is { } message) Take(message, []);
        }
        catch (Exception e) when (e is LinuxException or InvalidDataException)
        {
            // As good as gone: nothing it says can be relied on.
        }
        foreach (var call in _calls.Values) call.Answer.TrySetResult((null, SpawnStep.Clone, Errno.ECHILD));
        _lost.SetResult();
    }

    private void Take(ReceivedMessage message, List<KeptProcess> kept)
    {
        var (kind, rest) = Messages.Read(message);
        using (rest)
        {
            switch (kind)
            {
                case MessageKind.Started when _calls.TryGetValue(rest.ReadUInt32(), out var call):
                    var pid = rest.ReadInt32();
                    call.Answer.TrySetResult(message.Fds is [var pidfd] ? (new(pid, pidfd, EndOf(call.Job, pid).Task), SpawnStep.None, Errno.None) : (null, SpawnStep.None, Errno.EMFILE));
                    break;
                case MessageKind.NotStarted when _calls.TryGetValue(rest.ReadUInt32(), out var call):
                    call.Answer.TrySetResult((null, (SpawnStep)rest.ReadInt32(), (Errno)rest.ReadInt32()));
                    break;
                case MessageKind.Gone:
                    var gone = (Job: rest.ReadJob(), Pid: rest.ReadInt32());

                    // The end may be told before the start is. Nobody waits for that of a process which has been forgotten.
                    if (_ends.ContainsKey(gone) || _calls.Values.Any(open => open.Job == gone.Job)) EndOf(gone.Job, gone.Pid).TrySetResult(rest.ReadExit());
                    break;
                case MessageKind.Kept:
                    var (id, main) = (rest.ReadJob(), rest.ReadInt32());
                    if (message.LacksFds) throw new InvalidDataException("what the keeper holds finds no room in the server (ulimit -n)");
                    kept.Add(new(id, new(main, message.Fds[0], EndOf(id, main).Task), [.. message.Fds.Skip(1)]));
                    break;
                case MessageKind.Ping:
                    // By the threads that answer calls: as long as one of them is free, this server is alive.
                    ThreadPool.UnsafeQueueUserWorkItem(static line => line.TrySend(Messages.Plain(MessageKind.Pong)), _socket, preferLocal: false);
                    break;
                case MessageKind.KeptSocket:
                    (_listening, IsFirst) = (message.Fds[0], false);
                    break;
            }
        }
    }

    private TaskCompletionSource<ReapedProcess> EndOf(JobId id, int pid) =>
        _ends.GetOrAdd((id, pid), _ => new(TaskCreationOptions.RunContinuationsAsynchronously));

    /// <summary>A start that has not been answered yet.</summary>
    private sealed record Call(JobId Job)
    {
        public TaskCompletionSource<(StartedProcess? Started, SpawnStep Step, Errno Errno)> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
