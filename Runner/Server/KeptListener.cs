using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace Runner.Server;

/// <summary>Listens on a socket that somebody else holds too, and stops accepting without shutting it: who calls then waits for the next server.</summary>
/// <param name="bound">Gives the socket for an address.</param>
/// <param name="logging">What connections tell.</param>
sealed class KeptListener(Func<EndPoint, Socket> bound, ILoggerFactory logging) : IConnectionListenerFactory
{
    private const int Backlog = 512; // as the platform's own

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
        return ValueTask.FromResult<IConnectionListener>(new Listener(socket, new(new(), logging.CreateLogger<KeptListener>())));
    }

    private sealed class Listener(Socket socket, SocketConnectionContextFactory connections) : IConnectionListener
    {
        private readonly CancellationTokenSource _unbound = new();

        public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (true)
            {
                try
                {
                    var accepted = await socket.AcceptAsync(_unbound.Token);
                    accepted.NoDelay = true;
                    return connections.Create(accepted);
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
            _unbound.Cancel();
            return ValueTask.CompletedTask;
        }

        // The socket is not closed: the platform's way may shut it, and with it those that others hold. It goes with the process.
        public ValueTask DisposeAsync()
        {
            _unbound.Dispose();
            connections.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
