using System.Net.Sockets;
using System.Text;
using Runner.Keeper;
using Runner.Tests.Support;

namespace Runner.Tests.Keeper;

public sealed class ServiceManagerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _told = [];

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData(false), InlineData(true)]
    public void Facts_come_as_datagrams_by_a_path_or_a_name_without_a_file(bool isAbstract)
    {
        var name = isAbstract ? $"runner-test-{Guid.NewGuid():N}" : _folder.At("notify");
        using var systemd = Listen(isAbstract ? '\0' + name : name);
        using var manager = Manager(isAbstract ? '@' + name : name);
        manager.Ready();
        manager.Reloading();
        manager.Status("one\nline");
        manager.Alive();
        manager.Stopping();
        Assert.Equal("READY=1\nSTATUS=serving", Next(systemd));
        Assert.Matches("^RELOADING=1\nMONOTONIC_USEC=[0-9]+\nSTATUS=.+$", Next(systemd));
        Assert.Equal("STATUS=one line", Next(systemd));
        Assert.Equal("WATCHDOG=1", Next(systemd));
        Assert.Equal("STOPPING=1\nSTATUS=stopping", Next(systemd));
        Assert.Empty(_told);
    }

    [Theory, InlineData(null), InlineData(""), InlineData("vsock:2:1234"), InlineData("@"), InlineData("relative")]
    public void Without_a_place_to_tell_it_nothing_is_told(string? place)
    {
        using var manager = Manager(place, "1000000");
        manager.Ready();
        Assert.Null(manager.Watchdog);
        Assert.Empty(_told);
    }

    [Fact]
    public void A_service_manager_that_is_gone_is_told_of_and_holds_nothing_up()
    {
        using var manager = Manager(_folder.At("nobody"));
        manager.Ready();
        Assert.StartsWith("the service manager was not told READY=1: ", Assert.Single(_told), StringComparison.Ordinal);
    }

    [Fact]
    public void The_watchdog_is_for_the_process_it_names_or_for_any()
    {
        var place = _folder.At("notify");
        Assert.Equal(TimeSpan.FromSeconds(30), Manager(place, "30000000").Watchdog);
        Assert.Equal(TimeSpan.FromSeconds(30), Manager(place, "30000000", $"{Environment.ProcessId}").Watchdog);
        Assert.Null(Manager(place, "30000000", "1").Watchdog);
        Assert.Null(Manager(place, "0").Watchdog);
        Assert.Null(Manager(place, "soon").Watchdog);
    }

    private ServiceManager Manager(string? place, string? watchdog = null, string? pid = null) =>
        new(name => name switch { "NOTIFY_SOCKET" => place, "WATCHDOG_USEC" => watchdog, "WATCHDOG_PID" => pid, _ => null }, _told.Add);

    private static Socket Listen(string name)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };
        socket.Bind(new UnixDomainSocketEndPoint(name));
        return socket;
    }

    private static string Next(Socket socket)
    {
        var buffer = new byte[4096];
        return Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
    }
}
