using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Runner.Keeper;

/// <summary>Tells the service manager how the service is: a datagram a fact, to the socket that NOTIFY_SOCKET names (sd_notify(3)). Without one nobody is told.</summary>
sealed class ServiceManager : IDisposable
{
    /// <summary>What a service manager puts into the environment for this process alone: those it starts must not speak for it.</summary>
    public static readonly string[] Variables = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

    private readonly Socket? _socket;
    private readonly UnixDomainSocketEndPoint? _address;
    private readonly Action<string> _tell;

    /// <param name="variable">The value of an environment variable; null: not set.</param>
    /// <param name="tell">Gets a sentence for the log.</param>
    public ServiceManager(Func<string, string?> variable, Action<string> tell)
    {
        _tell = tell;

        // A path, or @ and a name in the abstract namespace (unix(7)). Others are for virtual machines (AF_VSOCK).
        if (variable("NOTIFY_SOCKET") is not ['/' or '@', _, ..] name) return;
        _address = new(name[0] == '@' ? '\0' + name[1..] : name);
        _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = 1000 };
        if (variable("WATCHDOG_PID") is { } pid && pid != Environment.ProcessId.ToString(CultureInfo.InvariantCulture)) return;
        if (long.TryParse(variable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out var most) && most > 0)
            Watchdog = TimeSpan.FromMicroseconds(most);
    }

    /// <summary>How long it waits for <see cref="Alive"/> before it ends this service (sd_watchdog_enabled(3)). Null: for ever.</summary>
    public TimeSpan? Watchdog { get; }

    /// <summary>Calls are answered, for the first time or after a reload.</summary>
    public void Ready() => Send("READY=1\nSTATUS=serving");

    /// <summary>The server is being replaced by the program that is on the disk now.</summary>
    public void Reloading() =>
        Send(string.Create(CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000)}\nSTATUS=starting the server anew"));

    /// <summary>A planned stop has begun.</summary>
    public void Stopping() => Send("STOPPING=1\nSTATUS=stopping");

    /// <summary>A line for people, in `systemctl status`.</summary>
    public void Status(string line) => Send($"STATUS={line.ReplaceLineEndings(" ")}");

    /// <summary>All is well.</summary>
    public void Alive() => Send("WATCHDOG=1");

    public void Dispose() => _socket?.Dispose();

    private void Send(string facts)
    {
        if (_socket is null) return;
        try
        {
            _socket.SendTo(Encoding.UTF8.GetBytes(facts), _address!);
        }
        catch (SocketException e)
        {
            _tell($"the service manager was not told {facts.Split('\n')[0]}: {e.Message}");
        }
    }
}
