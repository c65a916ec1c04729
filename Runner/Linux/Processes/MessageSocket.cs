using System.Runtime.InteropServices;
using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>
/// One end of a line between two processes: whole messages in order, each with descriptors if it likes (SOCK_SEQPACKET,
/// unix(7)). Any thread may send; one receives.
/// </summary>
sealed unsafe class MessageSocket(Fd socket) : IDisposable
{
    /// <summary>Longest message. What is longer goes into a memory file, whose descriptor is sent.</summary>
    public const int MostBytes = 16 * 1024;

    /// <summary>Most descriptors in a message; the kernel's own limit is 253 (SCM_MAX_FD).</summary>
    public const int MostFds = 32;

    private static readonly int s_headerSize = sizeof(ControlHeader);

    /// <summary>For handing the end to another process.</summary>
    public Fd Descriptor => socket;

    public static (MessageSocket One, MessageSocket Other) CreatePair()
    {
        var ends = stackalloc int[2];
        if (Libc.SocketPair(Libc.UnixFamily, Libc.SequencedPackets | Libc.CloseSocketOnExec, 0, ends) != 0)
            throw LinuxException.Last("socketpair");
        return (new(new Fd(ends[0])), new(new Fd(ends[1])));
    }

    /// <summary>Waits while the other end has too much to read. False: the other end is gone.</summary>
    public bool Send(ReadOnlySpan<byte> message, params ReadOnlySpan<Fd> fds) => Send(message, Libc.NoSignal, fds);

    /// <summary>Sends if that needs no waiting. False: the other end is gone or has too much to read, or there is no memory for it.</summary>
    public bool TrySend(ReadOnlySpan<byte> message) => Send(message, Libc.NoSignal | Libc.DoNotWait, []);

    private bool Send(ReadOnlySpan<byte> message, int flags, ReadOnlySpan<Fd> fds)
    {
        var control = stackalloc byte[s_headerSize + MostFds * sizeof(int)];
        fixed (byte* bytes = message)
        {
            var vector = new IoVector { Base = bytes, Length = (nuint)message.Length };
            var header = new MessageHeader { Vectors = &vector, VectorCount = 1 };
            if (fds.Length > 0)
            {
                var length = s_headerSize + fds.Length * sizeof(int);
                *(ControlHeader*)control = new() { Length = (nuint)length, Level = Libc.SocketLevel, Type = Libc.Rights };
                for (var i = 0; i < fds.Length; i++) ((int*)(control + s_headerSize))[i] = fds[i].Number;
                header.Control = control;
                header.ControlLength = (nuint)Aligned(length);
            }
            while (Libc.SendMessage(socket, &header, flags) < 0)
            {
                var error = LinuxException.Last("sendmsg");
                if (error.Errno is Errno.EPIPE or Errno.ECONNRESET || (flags & Libc.DoNotWait) != 0) return false;
                if (error.Errno is not Errno.EINTR) throw error;
            }
        }
        return true;
    }

    /// <summary>Waits until <see cref="Receive"/> need not wait. False: the limit came first.</summary>
    /// <param name="limit">Null: for ever.</param>
    public bool Wait(TimeSpan? limit = null) => FdWait.For(socket, PollEvents.Readable, limit);

    /// <summary>Waits for the next message.</summary>
    /// <returns>Its bytes, and its descriptors, which are then the caller's; null: the other end is gone.</returns>
    public ReceivedMessage? Receive()
    {
        var buffer = new byte[MostBytes];
        var control = stackalloc byte[s_headerSize + MostFds * sizeof(int)];
        fixed (byte* bytes = buffer)
        {
            var vector = new IoVector { Base = bytes, Length = MostBytes };
            var header = new MessageHeader
            {
                Vectors = &vector, VectorCount = 1, Control = control, ControlLength = (nuint)(s_headerSize + MostFds * sizeof(int)),
            };
            nint length;
            while ((length = Libc.ReceiveMessage(socket, &header, Libc.CloseReceivedOnExec)) < 0)
            {
                var error = LinuxException.Last("recvmsg");

                // Reset: the other end went without reading all. Told once, and what it had sent still comes (unix_release_sock).
                if (error.Errno is not (Errno.EINTR or Errno.ECONNRESET)) throw error;
            }
            var fds = TakeFds(control, header.ControlLength);
            if (length == 0 && fds.Count == 0) return null;
            if ((header.Flags & Libc.Truncated) == 0) return new(buffer.AsMemory(0, (int)length), fds, (header.Flags & Libc.ControlTruncated) != 0);
            foreach (var fd in fds) fd.Dispose();
            throw new InvalidDataException("a message between keeper and server was cut: it was too long");
        }
    }

    /// <summary>Ends the line for both ends; what was sent before still arrives.</summary>
    public void HangUp() => _ = Libc.Shutdown(socket, 2); // SHUT_RDWR

    /// <summary>What is still to come is not wanted; <see cref="Receive"/> says that the other end is gone.</summary>
    public void HangUpReading() => _ = Libc.Shutdown(socket, 0); // SHUT_RD

    public void Dispose() => socket.Dispose();

    private static List<Fd> TakeFds(byte* control, nuint length)
    {
        var fds = new List<Fd>();
        if (length < (nuint)s_headerSize) return fds;
        var header = *(ControlHeader*)control;
        if (header.Level != Libc.SocketLevel || header.Type != Libc.Rights) return fds;
        var count = ((int)header.Length - s_headerSize) / sizeof(int);
        for (var i = 0; i < count; i++) fds.Add(new Fd(((int*)(control + s_headerSize))[i]));
        return fds;
    }

    // CMSG_SPACE: the kernel rounds up to the size of a long.
    private static int Aligned(int length) => (length + 7) & ~7;
}

/// <summary>A message and the descriptors that came with it.</summary>
/// <param name="LacksFds">There was no room in this process for all of them (ulimit -n).</param>
sealed record ReceivedMessage(ReadOnlyMemory<byte> Bytes, IReadOnlyList<Fd> Fds, bool LacksFds = false)
{
    /// <summary>Closes all of them.</summary>
    public void DropFds()
    {
        foreach (var fd in Fds) fd.Dispose();
    }
}
