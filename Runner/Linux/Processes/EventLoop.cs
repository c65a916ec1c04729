using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>
/// One thread that waits on many descriptors and calls back when one is ready (epoll(7), level-triggered). Callbacks
/// run on that thread, one at a time, and hold up the others while they run; no callback comes after its removal has returned on that thread.
/// </summary>
sealed unsafe class EventLoop : IDisposable
{
    private const int EventsAtOnce = 64;

    // struct epoll_event is packed on x86-64 only (sys/epoll.h).
    private static readonly int s_dataOffset = RuntimeInformation.ProcessArchitecture is Architecture.X64 ? 4 : 8;
    private static readonly int s_eventSize = s_dataOffset + 8;

    private readonly Fd _epoll;
    private readonly Fd _wake;
    private readonly Thread _thread;
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly Dictionary<ulong, Action<EpollEvents>> _handlers = [];
    private readonly Action<Exception> _onError;
    private ulong _lastToken;
    private volatile bool _stopping;

    /// <param name="name">The thread's name, at most 15 bytes shown by the kernel.</param>
    /// <param name="onError">Told of a callback that failed; the loop goes on.</param>
    public EventLoop(string name, Action<Exception> onError)
    {
        _onError = onError;
        _epoll = Libc.EpollCreate(OpenFlags.CloseOnExec);
        if (_epoll.IsInvalid) throw LinuxException.Last("epoll_create1");
        _wake = Libc.EventFd(0, OpenFlags.CloseOnExec | OpenFlags.NonBlocking);
        if (_wake.IsInvalid) throw LinuxException.Last("eventfd");
        Control(EpollOperation.Add, _wake, EpollEvents.Readable, 0);
        _thread = new Thread(Run) { Name = name, IsBackground = true };
        _thread.Start();
    }

    /// <summary>Runs something on the loop's thread.</summary>
    public void Post(Action action)
    {
        _posted.Enqueue(action);
        Wake();
    }

    /// <summary>The same; done when it has run, and failed as it failed.</summary>
    public Task RunAsync(Action action)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try
            {
                action();
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    /// <summary>Calls back whenever the descriptor is ready. Only on the loop's thread.</summary>
    /// <returns>What <see cref="Remove"/> takes.</returns>
    public ulong Add(Fd fd, EpollEvents events, Action<EpollEvents> handler)
    {
        var token = ++_lastToken;
        Control(EpollOperation.Add, fd, events, token);
        _handlers.Add(token, handler);
        return token;
    }

    /// <summary>Ends the callbacks. Only on the loop's thread, before the descriptor is closed.</summary>
    public void Remove(ulong token, Fd fd)
    {
        if (_handlers.Remove(token)) Control(EpollOperation.Remove, fd, EpollEvents.None, token);
    }

    public void Dispose()
    {
        _stopping = true;
        Wake();
        _thread.Join();
        _epoll.Dispose();
        _wake.Dispose();
    }

    private void Wake()
    {
        var one = 1UL;
        // Fails only when the counter is full, and then the thread wakes anyway.
        _ = Libc.Write(_wake, &one, sizeof(ulong));
    }

    private void Run()
    {
        var buffer = new byte[EventsAtOnce * s_eventSize];
        fixed (byte* events = buffer)
        {
            while (!_stopping)
            {
                var count = Libc.EpollWait(_epoll, events, EventsAtOnce, timeoutMilliseconds: -1);
                for (var i = 0; i < count; i++)
                {
                    var entry = events + i * s_eventSize;
                    Dispatch(*(EpollEvents*)entry, *(ulong*)(entry + s_dataOffset));
                }
            }
        }
    }

    private void Dispatch(EpollEvents events, ulong token)
    {
        try
        {
            if (token == 0) RunPosted();
            else if (_handlers.TryGetValue(token, out var handler)) handler(events);
        }
        catch (Exception e)
        {
            _onError(e);
        }
    }

    private void RunPosted()
    {
        ulong ignored;
        _ = Libc.Read(_wake, &ignored, sizeof(ulong));
        while (_posted.TryDequeue(out var action))
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                _onError(e);
            }
        }
    }

    private void Control(EpollOperation operation, Fd fd, EpollEvents events, ulong token)
    {
        var entry = stackalloc byte[16];
        *(EpollEvents*)entry = events;
        *(ulong*)(entry + s_dataOffset) = token;
        if (Libc.EpollControl(_epoll, operation, fd, entry) != 0) throw LinuxException.Last("epoll_ctl");
    }
}
