using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace Runner.Server;

/// <summary>Listens on a socket that somebody else holds too, and stops accepting without shutting it: who calls then waits for the next server.</summary>
/// <param name="bound">Gives the socket for an address.</param>
/// <param name="logging">What connections tell.</param>
sealed class KeptListener(Func<EndPoint, Socket> bound, ILoggerFactory logging) : IConnectionListenerFactory, IDisposable
{
    private const int Backlog = 512; // as the platform's own

    private readonly CancellationTokenSource _unbound = new();
    private readonly ConcurrentDictionary<string, long> _unused = new(); // connection, when it was accepted

    /// <summary>A call has come on a connection.</summary>
    public void Used(string connection) => _unused.TryRemove(connection, out _);

    /// <summary>Accepts nobody any more. Those that were accepted and have not called yet get a moment to do so: cut off, they would not
    /// know that they may call again.</summary>
    /// <param name="moment">Since it was accepted.</param>
    public async Task CloseAsync(TimeSpan moment)
    {
        await _unbound.CancelAsync();
        while (_unused.Values.Any(since => Stopwatch.GetElapsedTime(since) < moment)) await Task.Delay(TimeSpan.FromMilliseconds(5));
    }

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        Socket socket;
        try
        {
            socket = bound(endpoint);
            socket.Listen(Backlog);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(e.Message, e);
        }
        return ValueTask.FromResult<IConnectionListener>(new Listener(this, socket, new(new(), logging.CreateLogger<KeptListener>())));
    }

    public void Dispose() => _unbound.Dispose();

    private ConnectionContext Accepted(ConnectionContext connection)
    {
        _unused[connection.ConnectionId] = Stopwatch.GetTimestamp();
        connection.ConnectionClosed.Register(() => Used(connection.ConnectionId));
        return connection;
    }

    private sealed class Listener(KeptListener kept, Socket socket, SocketConnectionContextFactory connections) : IConnectionListener
    {
        public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (true)
            {
                try
                {
                    var accepted = await socket.AcceptAsync(kept._unbound.Token);
                    accepted.NoDelay = true;
                    return kept.Accepted(connections.Create(accepted));
                }
                catch (OperationCanceledException)
                {
                    return null;
                }
                catch (SocketException e) when (e.SocketErrorCode is not SocketError.OperationAborted)
                {
                    // It was gone before it was taken, or there is no room for it now: the others still count.
                    if (e.SocketErrorCode is not SocketError.ConnectionReset) await Task.Delay(TimeSpan.FromMilliseconds(10), CancellationToken.None);
                }
            }
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            kept._unbound.Cancel();
            return ValueTask.CompletedTask;
        }

        // The socket is not closed: the platform's way may shut it, and with it those that others hold. It goes with the process.
        public ValueTask DisposeAsync()
        {
            connections.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
