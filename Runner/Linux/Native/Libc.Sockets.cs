using System.Runtime.InteropServices;

namespace Runner.Linux.Native;

static partial class Libc
{
    public const int UnixFamily = 1; // AF_UNIX
    public const int SequencedPackets = 5; // SOCK_SEQPACKET
    public const int CloseSocketOnExec = 0x80000; // SOCK_CLOEXEC
    public const int SocketLevel = 1; // SOL_SOCKET
    public const int Rights = 1; // SCM_RIGHTS
    public const int NoSignal = 0x4000; // MSG_NOSIGNAL
    public const int DoNotWait = 0x40; // MSG_DONTWAIT
    public const int CloseReceivedOnExec = 0x40000000; // MSG_CMSG_CLOEXEC
    public const int Truncated = 0x20, ControlTruncated = 0x8; // MSG_TRUNC, MSG_CTRUNC

    [LibraryImport(Name, EntryPoint = "socketpair", SetLastError = true)]
    public static unsafe partial int SocketPair(int family, int type, int protocol, int* ends);

    [LibraryImport(Name, EntryPoint = "sendmsg", SetLastError = true)]
    public static unsafe partial nint SendMessage(Fd socket, MessageHeader* message, int flags);

    [LibraryImport(Name, EntryPoint = "recvmsg", SetLastError = true)]
    public static unsafe partial nint ReceiveMessage(Fd socket, MessageHeader* message, int flags);

    [LibraryImport(Name, EntryPoint = "shutdown", SetLastError = true)]
    public static partial int Shutdown(Fd socket, int how);

    [LibraryImport(Name, EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial Fd CreateMemoryFile(string name, uint flags);
}

/// <summary><c>struct msghdr</c> of recvmsg(2) on 64-bit Linux.</summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct MessageHeader
{
    public void* Name;
    public uint NameLength;
    public IoVector* Vectors;
    public nuint VectorCount;
    public void* Control;
    public nuint ControlLength;
    public int Flags;
}

/// <summary><c>struct iovec</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct IoVector
{
    public void* Base;
    public nuint Length;
}

/// <summary><c>struct cmsghdr</c> of cmsg(3) on 64-bit Linux; its data follows.</summary>
[StructLayout(LayoutKind.Sequential)]
struct ControlHeader
{
    public nuint Length;
    public int Level;
    public int Type;
}
