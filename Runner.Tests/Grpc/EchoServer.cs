using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Grpc.AspNetCore.Server;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Runner.Tests.Grpc;

/// <summary>A real HTTP/2 server on loopback with the echo service, and channels to it.</summary>
internal sealed class EchoServer : IAsyncDisposable, ILoggerProvider, ILogger
{
    private static readonly Lazy<X509Certificate2> Authority = new(() => TestCertificate.NewAuthority("echo authority"));
    private static readonly Lazy<X509Certificate2> Certificate = new(() => TestCertificate.New(Authority.Value, "echo server"));

    private readonly ConcurrentBag<IDisposable> _channels = [];
    private readonly bool _tls;
    private WebApplication _app = null!;

    private EchoServer(bool tls) => _tls = tls;

    public EchoHandlers Handlers { get; } = new();

    public ConcurrentQueue<string> Errors { get; } = [];

    public string Address { get; private set; } = "";

    public IServiceProvider Services => _app.Services;

    public WebApplication App => _app;

    public static async Task<EchoServer> StartAsync(
        Action<GrpcServiceOptions>? options = null, Action<WebApplicationBuilder>? build = null, Action<WebApplication>? map = null,
        bool tls = true, HttpProtocols protocols = HttpProtocols.Http2, Action<HttpsConnectionAdapterOptions>? https = null)
    {
        var server = new EchoServer(tls);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddProvider(server);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null; // the host's own limit, 30 MB by default, is none of gRPC's
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = protocols;
                if (tls)
                    listen.UseHttps(adapter =>
                    {
                        adapter.ServerCertificate = Certificate.Value;
                        https?.Invoke(adapter);
                    });
            });
        });
        builder.Services.AddGrpc(options ?? (_ => { }));
        builder.Services.AddSingleton(new EchoImpl(server.Handlers));
        build?.Invoke(builder);
        server._app = builder.Build();
        server._app.MapGrpcService<EchoImpl>();
        map?.Invoke(server._app);
        await server._app.StartAsync();
        server.Address = server._app.Urls.Single().Replace("[::]", "127.0.0.1", StringComparison.Ordinal);
        return server;
    }

    public SocketsHttpHandler NewHandler()
    {
        var handler = new SocketsHttpHandler();
        if (_tls) handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { Authority.Value }, RevocationMode = X509RevocationMode.NoCheck };
        return handler;
    }

    public GrpcChannel NewChannel(Action<GrpcChannelOptions>? configure = null)
    {
        var options = new GrpcChannelOptions { HttpHandler = NewHandler(), DisposeHttpClient = true };
        configure?.Invoke(options);
        var channel = GrpcChannel.ForAddress(Address, options);
        _channels.Add(channel);
        return channel;
    }

    public Echo.EchoService.EchoServiceClient NewClient(Action<GrpcChannelOptions>? configure = null) => new(NewChannel(configure));

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels) channel.Dispose();
        await _app.DisposeAsync();
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Errors.Enqueue($"{formatter(state, exception)} {exception}");

    public void Dispose()
    {
    }
}
