using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>Messages for one server, sent in order by a thread of their own: a server that does not read holds up nobody else.</summary>
/// <param name="line">The line to it.</param>
/// <param name="failed">Called when a message could not be sent though the server is there.</param>
sealed class Outbox(MessageSocket line, Action<LinuxException> failed)
{
    private readonly Queue<(byte[] Message, Fd[] Fds)> _waiting = new();
    private bool _closed;

    /// <summary>The descriptors stay the caller's, and open for as long as this server lives.</summary>
    public void Add(byte[] message, params Fd[] fds)
    {
        lock (_waiting)
        {
            if (!_closed) _waiting.Enqueue((message, fds));
            Monitor.Pulse(_waiting);
        }
    }

    /// <summary>Sends until it is closed or the server has gone.</summary>
    public void SendAll()
    {
        try
        {
            while (Next() is var (message, fds))
                if (!line.Send(message, fds)) return;
        }
        catch (LinuxException e)
        {
            failed(e);
        }
    }

    /// <summary>The server has gone: what waits is of no use to it.</summary>
    public void Close()
    {
        lock (_waiting)
        {
            _closed = true;
            Monitor.Pulse(_waiting);
        }
    }

    private (byte[] Message, Fd[] Fds)? Next()
    {
        lock (_waiting)
        {
            while (true)
            {
                if (_closed) return null;
                if (_waiting.TryDequeue(out var next)) return next;
                Monitor.Wait(_waiting);
            }
        }
    }
}
