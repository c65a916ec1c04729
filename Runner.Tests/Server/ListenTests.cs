using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Runner.Server;
using Runner.Tests.Support;

namespace Runner.Tests.Server;

public sealed class ListenTests : IDisposable
{
    private readonly TlsWorld _world = new();
    private readonly Machine _machine = new();

    public void Dispose()
    {
        _machine.Dispose();
        _world.Dispose();
    }

    [Fact]
    public async Task An_address_in_use_is_told_once_and_by_the_one_who_asked_for_it()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var trust = ServerTrust.Load(ServerFiles.Resolve(null, null, null, _world.Folder.Path, _ => { }));
        var problem = await Assert.ThrowsAsync<CannotListenException>(() => RunnerServer.StartAsync(
            (IPEndPoint)taken.LocalEndpoint, () => trust, _machine.Jobs, _machine.Removal, new ServerFacts("0", "v2"), ServerLimits.Of(1024), _world.Log));
        Assert.Contains("address already in use", problem.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(_world.Log.Lines);
    }
}
