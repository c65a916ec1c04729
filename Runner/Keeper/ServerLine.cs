using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>The keeper's end of the line to one server: does what the server asks for, and tells it how jobs go.</summary>
/// <param name="line">This end; owned.</param>
/// <param name="jobs">What is kept.</param>
/// <param name="watch">Hears of every message.</param>
/// <param name="failed">Called when the line cannot be used any more though the server is there.</param>
sealed class ServerLine(MessageSocket line, JobKeeper jobs, ServerWatch watch, Action<Exception> failed)
{
    // As many as a server makes starts at once, and one to listen; not made when they are wanted, for there may be no room for one then.
    private static readonly int s_threads = Math.Max(4, Environment.ProcessorCount) + 1;

    private readonly Lock _turn = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Outbox? _outbox;
    private int _users = 1; // its threads, and whoever begins them: a server may be gone before the last one has begun

    /// <summary>Gets the socket that the server listens on, to be kept.</summary>
    public required Action<Fd> Listening { get; init; }

    /// <summary>Called when the server answers calls.</summary>
    public required Action Ready { get; init; }

    /// <summary>Whether it has all its threads.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Done when the server has gone and all that it has said is done, but for starts that hang.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Tells the server all that is kept, and does what it asks for from now on.</summary>
    /// <exception cref="OutOfMemoryException">There is no room for its threads; those that there are end.</exception>
    /// <param name="socket">The listening socket of the server before it; null: there was none.</param>
    public void Open(Fd? socket)
    {
        _outbox = new Outbox(line, failed);
        if (socket is not null) _outbox.Add(Messages.Plain(MessageKind.KeptSocket), socket);
        jobs.Tell(_outbox);
        _outbox.Add(Messages.Plain(MessageKind.AllKept));
        try
        {
            Begin("line out", _outbox.SendAll);
            for (var i = 0; i < s_threads; i++) Begin("line in", Serve);
            IsOpen = true;
        }
        finally
        {
            if (!IsOpen) line.HangUp();
            Leave();
        }
    }

    /// <summary>Whatever goes wrong with a server, the keeper goes on.</summary>
    private void Begin(string name, Action run)
    {
        var thread = new Thread(() =>
        {
            try
            {
                run();
            }
            catch (Exception e)
            {
                failed(e);
            }
            Leave();
        }) { Name = name, IsBackground = true };
        Interlocked.Increment(ref _users);
        try
        {
            thread.Start();
        }
        catch
        {
            Leave();
            throw;
        }
    }

    /// <summary>The last one closes the line.</summary>
    private void Leave()
    {
        if (Interlocked.Decrement(ref _users) > 0) return;
        watch.End(line);
        line.Dispose();
    }

    /// <summary>One thread waits for a message, the others for their turn: whoever gets a start makes it, and the next one waits. So a start
    /// costs no change of threads, and one that hangs at its exec holds up nobody.</summary>
    private void Serve()
    {
        try
        {
            while (NextStart() is { } start) Make(start);
        }
        finally
        {
            _outbox!.Close();
            _ended.TrySetResult();
        }
    }

    /// <summary>Everything but starts is done in its order, within the turn. Null: the server has gone.</summary>
    private ReceivedMessage? NextStart()
    {
        lock (_turn)
        {
            while (line.Receive() is { } message)
            {
                watch.Heard();
                if ((MessageKind)message.Bytes.Span[0] is MessageKind.Start) return message;
                Take(message);
                watch.Heard();
            }
            return null;
        }
    }

    private void Take(ReceivedMessage message)
    {
        var (kind, rest) = Messages.Read(message);
        using (rest)
        {
            switch (kind)
            {
                case MessageKind.Forget:
                    jobs.Forget(rest.ReadJob());
                    break;
                case MessageKind.Abandon:
                    jobs.Forget(rest.ReadJob(), kill: true);
                    break;
                case MessageKind.Listening:
                    Listening(message.Fds is [var socket] ? socket : throw new InvalidDataException("there is no room for its listening socket (ulimit -n)"));
                    break;
                case MessageKind.Ready:
                    Ready();
                    break;
            }
        }
    }

    /// <summary>Descriptors: the order, the cgroup, the three streams, those to be kept, v1 tasks.</summary>
    private void Make(ReceivedMessage message)
    {
        var (_, rest) = Messages.Read(message);
        using (rest)
        {
            var (call, id, kept) = (rest.ReadUInt32(), rest.ReadJob(), rest.ReadByte());
            Fd[] keep = [.. message.Fds.Skip(5).Take(kept)], others = [.. message.Fds.Take(5), .. message.Fds.Skip(5 + kept)];
            byte[] answer;
            Fd[] pidfd = [];
            try
            {
                if (message.LacksFds) throw new SpawnException(SpawnStep.Clone, Errno.EMFILE);
                var process = jobs.Start(id, OrderFile.Read(others[0], others[1..]), keep, _outbox!);
                (answer, pidfd) = (Messages.Started(call, process.Pid), [process.Pidfd]);
            }
            catch (SpawnException e)
            {
                foreach (var fd in keep) fd.Dispose();
                answer = Messages.NotStarted(call, e.Step, e.Errno);
            }
            finally
            {
                foreach (var fd in others) fd.Dispose();
            }

            // Not by the outbox, which would be one more change of threads. A server that does not read stands still as a whole: it asks for no more.
            line.Send(answer, pidfd);
        }
    }
}
