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
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly object _lock = new();
    private readonly Socket _socket;
    private readonly string _path;
    private MessageSocket? _guest;
    private bool _taken = true;
    private volatile bool _closed;

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
        lock (_lock) _taken = _guest is not null; // who came in meanwhile is next
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
        _closed = true;
        File.Delete(_path);
        _socket.Dispose();
    }

    private void Open()
    {
        while (true)
        {
            try
            {
                using var guest = _socket.Accept();
                lock (_lock)
                {
                    if (_taken || !IsRoot(guest)) continue;
                    (_guest, _taken) = (Line(guest), true);
                    Monitor.PulseAll(_lock);
                }
            }
            catch (Exception e) when (e is ObjectDisposedException || _closed)
            {
                return;
            }
            catch (Exception e) when (e is SocketException or LinuxException)
            {
                // It has gone again, or there is no descriptor for it now: the next one still has to find the door open.
                Thread.Sleep(s_pause);
            }
        }
    }

    /// <summary>A line to the keeper that has been left there. Null: there is none.</summary>
    public static MessageSocket? Knock(string stateDirectory)
    {
        if (!File.Exists(PathIn(stateDirectory))) return null;
        using var socket = NewSocket();
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(PathIn(stateDirectory)));
            return IsRoot(socket) ? Line(socket) : null;
        }
        catch (SocketException)
        {
            return null; // of a keeper that died
        }
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
        return own.IsInvalid ? throw LinuxException.Last("fcntl") : new(own);
    }
}
