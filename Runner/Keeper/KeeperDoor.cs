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
    private const int Root = 0;

    // Less than a `runner serve` that was turned away goes on knocking.
    private static readonly TimeSpan s_longestSilence = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly object _lock = new();
    private readonly Socket _socket;
    private readonly string _path;
    private MessageSocket? _guest;
    private bool _taken = true;
    private volatile bool _closed;

    /// <param name="stateDirectory">Where it is.</param>
    /// <param name="socket">Of the program that was in the place of this one before; null: it is made.</param>
    /// <exception cref="SocketException">The path is too long (107 bytes), or cannot be made.</exception>
    public KeeperDoor(string stateDirectory, Fd? socket = null)
    {
        _path = PathIn(stateDirectory);
        _socket = socket is null ? NewSocket() : new Socket(new SafeSocketHandle(socket.Number, ownsHandle: true));
        if (socket is null)
        {
            // What lies there is of a keeper that died: one that lives has the server's lock on the store.
            File.Delete(_path);
            _socket.Bind(new UnixDomainSocketEndPoint(_path));
            _socket.Listen(8);
        }
        socket?.SetHandleAsInvalid();
        new Thread(Open) { Name = "door", IsBackground = true }.Start();
    }

    /// <summary>For handing it to the program that takes the place of this one.</summary>
    public Fd Duplicate() => Libc.Duplicate((int)_socket.Handle);

    /// <summary>Nobody is in any more: the next one may come.</summary>
    public void Leave()
    {
        lock (_lock) _taken = _guest is not null; // who came in meanwhile is next
    }

    /// <summary>Waits for the next one that comes in and says something, or goes; whoever comes after it is turned away until it leaves.</summary>
    public MessageSocket Next()
    {
        while (true)
        {
            var guest = TakeGuest();
            if (guest.Wait(s_longestSilence)) return guest;
            guest.Dispose();
            Leave();
        }
    }

    private MessageSocket TakeGuest()
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
                    if (_taken || Peer(guest) is not (_, Root)) continue;
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

    /// <summary>A line to the keeper that has been left there, and its process. Null: there is none.</summary>
    public static (MessageSocket Line, Fd Process)? Knock(string stateDirectory)
    {
        if (!File.Exists(PathIn(stateDirectory))) return null;
        using var socket = NewSocket();
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(PathIn(stateDirectory)));
            return Peer(socket) is (var process, Root) ? (Line(socket), Libc.OpenProcess(process)) : null;
        }
        catch (SocketException)
        {
            return null; // of a keeper that died
        }
    }

    private static string PathIn(string stateDirectory) => Path.Combine(stateDirectory, "keeper.sock");

    private static Socket NewSocket() => new(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);

    /// <summary><c>struct ucred</c>: process, user, group. Of who listens it is the process that began to.</summary>
    private static (int Process, int User)? Peer(Socket socket)
    {
        Span<byte> credentials = stackalloc byte[12];
        return socket.GetRawSocketOption(Libc.SocketLevel, PeerCredentials, credentials) == credentials.Length
            ? (BitConverter.ToInt32(credentials), BitConverter.ToInt32(credentials[4..]))
            : null;
    }

    private static MessageSocket Line(Socket socket)
    {
        var own = Libc.Duplicate((int)socket.Handle);
        return own.IsInvalid ? throw LinuxException.Last("fcntl") : new(own);
    }
}
