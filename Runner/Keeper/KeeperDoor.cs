using System.Net.Sockets;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>
/// Where a keeper that outlives the `runner serve` that began it is found by the next one: a socket in the state
/// directory. Only root comes in, and a keeper that is not root's is not talked to.
/// </summary>
sealed class KeeperDoor : IDisposable
{
    private const int PeerCredentials = 17; // SO_PEERCRED, unix(7)

    private readonly object _lock = new();
    private readonly Socket _socket;
    private readonly string _path;
    private MessageSocket? _guest;
    private bool _taken = true;

    /// <exception cref="SocketException">The path is too long (107 bytes), or cannot be made.</exception>
    public KeeperDoor(string stateDirectory)
    {
        _path = PathIn(stateDirectory);
        _socket = NewSocket();

        // What lies there is of a keeper that died: one that lives has the server's lock on the store.
        File.Delete(_path);
        _socket.Bind(new UnixDomainSocketEndPoint(_path));
        _socket.Listen(8);
        new Thread(Open) { Name = "door", IsBackground = true }.Start();
    }

    /// <summary>Nobody is in any more: the next one may come.</summary>
    public void Leave()
    {
        lock (_lock) _taken = false;
    }

    /// <summary>Waits for the next one that comes in; whoever comes after it is turned away until it leaves.</summary>
    public MessageSocket Next()
    {
        lock (_lock)
        {
            while (_guest is null) Monitor.Wait(_lock);
            var guest = _guest;
            _guest = null;
            return guest;
        }
    }

    public void Dispose()
    {
        File.Delete(_path);
        _socket.Dispose();
    }

    private void Open()
    {
        try
        {
            while (true)
            {
                var guest = _socket.Accept();
                lock (_lock)
                {
                    if (IsRoot(guest) && !_taken)
                    {
                        (_guest, _taken) = (Line(guest), true);
                        Monitor.PulseAll(_lock);
                    }
                    else guest.Dispose();
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or LinuxException)
        {
            // It is closed.
        }
    }

    /// <summary>A line to the keeper that has been left there. Null: there is none.</summary>
    public static MessageSocket? Knock(string stateDirectory)
    {
        if (!File.Exists(PathIn(stateDirectory))) return null;
        var socket = NewSocket();
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(PathIn(stateDirectory)));
            if (IsRoot(socket)) return Line(socket);
        }
        catch (SocketException)
        {
            // Of a keeper that died.
        }
        socket.Dispose();
        return null;
    }

    private static string PathIn(string stateDirectory) => Path.Combine(stateDirectory, "keeper.sock");

    private static Socket NewSocket() => new(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);

    /// <summary><c>struct ucred</c>: process, user, group.</summary>
    private static bool IsRoot(Socket socket)
    {
        Span<byte> credentials = stackalloc byte[12];
        return socket.GetRawSocketOption(Libc.SocketLevel, PeerCredentials, credentials) == credentials.Length && BitConverter.ToInt32(credentials[4..]) == 0;
    }

    private static MessageSocket Line(Socket socket)
    {
        var own = Libc.Duplicate((int)socket.Handle);
        socket.Dispose();
        return own.IsInvalid ? throw LinuxException.Last("fcntl") : new(own);
    }
}
