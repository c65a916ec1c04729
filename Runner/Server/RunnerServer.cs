using System.Net;
using System.Net.Sockets;
using Grpc.AspNetCore.Server;
using Grpc.Health.V1;
using Grpc.HealthCheck;
using Grpc.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runner.Jobs;

namespace Runner.Server;

/// <summary>The listening server: TLS, gRPC and the job API behind one gate. Answers calls once started.</summary>
sealed class RunnerServer : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_drainPatience = TimeSpan.FromSeconds(4); // less: so that a call can still be told

    private static readonly TimeSpan s_firstCall = TimeSpan.FromSeconds(2); // of a connection: its TLS handshake is under way

    private readonly WebApplication _app;
    private readonly KeptListener? _kept;
    private readonly HealthServiceImpl _health;
    private readonly Drain _drain;
    private readonly DiskHealth _disk;

    private RunnerServer(WebApplication app, KeptListener? kept, HealthServiceImpl health, Drain drain, DiskHealth disk) => (_app, _kept, _health, _drain, _disk) = (app, kept, health, drain, disk);

    /// <summary>Where it listens, with the port that port 0 became.</summary>
    public IPEndPoint Listening { get; private set; } = new(IPAddress.None, 0);

    /// <param name="listen">Where; port 0 takes a free one.</param>
    /// <param name="trust">What it shows and whom it believes; asked at every connection.</param>
    /// <param name="jobs">What it serves.</param>
    /// <param name="facts">What it tells of itself.</param>
    /// <param name="limits">How much of the process callers may take.</param>
    /// <param name="logging">Where what happens is told.</param>
    /// <param name="removal">Removes jobs that have ended.</param>
    /// <param name="listening">Gives a bound socket for an address, which stays open when this server makes way; null: a new one.</param>
    /// <exception cref="CannotListenException">The address is in use or not this machine's.</exception>
    /// <exception cref="InvalidOperationException">A method is served that no rule is for.</exception>
    public static async Task<RunnerServer> StartAsync(
        IPEndPoint listen, Func<ServerTrust> trust, JobRegistry jobs, JobRemoval removal, ServerFacts facts, ServerLimits limits, ILoggerFactory logging,
        Func<EndPoint, Socket>? listening = null)
    {
        // Empty: the usual builders watch the content root for changes, which for "/" takes seconds.
        var builder = WebApplication.CreateEmptyBuilder(new());
        var quiet = new QuietStart(logging);
        builder.Services.AddSingleton<ILoggerFactory>(quiet);
        builder.Services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        var kept = listening is null ? null : new KeptListener(listening, quiet);
        if (kept is not null) builder.Services.AddSingleton<IConnectionListenerFactory>(kept);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = limits.Connections;
            kestrel.Limits.MaxRequestBodySize = CallAdmission.UsualBody;
            kestrel.Limits.MinResponseDataRate = null; // a follower may be slow
            kestrel.Limits.Http2.MaxStreamsPerConnection = 200;
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
            kestrel.Listen(listen, options => options.UseMutualTls(trust, logging.CreateLogger<RunnerServer>()));
        });

        var health = new HealthServiceImpl();
        var drain = new Drain();
        builder.Services.AddSingleton(drain);
        var authorizer = CallRules.Authorizer;
        builder.Services.AddSingleton(authorizer);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(LargeStarts.Of(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));
        builder.Services.AddSingleton<CallAdmission>();
        builder.Services.AddSingleton(new JobCalls(jobs, removal, new Followers(limits), Starts.OfServer(), drain, logging.CreateLogger<JobCalls>()));
        builder.Services.AddSingleton(new ServerCalls(jobs, facts));
        builder.Services.AddSingleton(health);
        builder.Services.AddSingleton(new ReflectionV1ServiceImpl(
            V1.JobService.Descriptor, V1.ServerService.Descriptor, Health.Descriptor, global::Grpc.Reflection.V1.ServerReflection.Descriptor));
        builder.Services.AddGrpc(options => options.Interceptors.Add<CallGate>());

        var app = builder.Build();
        app.UseRouting();
        if (kept is not null)
            app.Use((http, next) =>
            {
                kept.Used(http.Connection.Id);
                return next(http);
            });
        app.Use(app.Services.GetRequiredService<CallAdmission>().HandleAsync);
        app.MapGrpcService<JobCalls>();
        app.MapGrpcService<ServerCalls>();
        app.MapGrpcService<HealthServiceImpl>();
        app.MapGrpcService<ReflectionV1ServiceImpl>();
        authorizer.Verify(ServedMethods(app));

        try
        {
            await app.StartAsync();
            quiet.Started();
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException or AddressInUseException)
        {
            await app.DisposeAsync();
            throw new CannotListenException($"cannot listen on {listen}: {(e.InnerException ?? e).Message}", e);
        }
        var server = new RunnerServer(app, kept, health, drain, new DiskHealth(jobs, health, TimeProvider.System, logging.CreateLogger<DiskHealth>()));
        var address = new Uri(app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single());
        server.Listening = new(listen.Address, address.Port);
        server.TellHealth(HealthCheckResponse.Types.ServingStatus.Serving);
        return server;
    }

    /// <summary>Tells health checks that no new work is taken; calls are still answered.</summary>
    public void AnnounceStop() => TellHealth(HealthCheckResponse.Types.ServingStatus.NotServing);

    /// <summary>Takes no more connections and ends the calls under way: those that wait for something with UNAVAILABLE, the others when they have done it.</summary>
    public async Task MakeWayAsync()
    {
        if (_kept is not null) await _kept.CloseAsync(s_firstCall);
        _drain.Begin(s_drainPatience);
        using var patience = new CancellationTokenSource(StopPatience);
        try
        {
            await _app.StopAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            // Whoever is still there is cut off.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _disk.DisposeAsync();
        using var patience = new CancellationTokenSource(StopPatience);
        await _app.StopAsync(patience.Token);
        await _app.DisposeAsync();
    }

    private void TellHealth(HealthCheckResponse.Types.ServingStatus status)
    {
        foreach (var service in new[] { "", V1.JobService.Descriptor.FullName, V1.ServerService.Descriptor.FullName })
            _health.SetStatus(service, status);
    }

    private static IEnumerable<string> ServedMethods(IEndpointRouteBuilder app) => app.DataSources
        .SelectMany(source => source.Endpoints)
        .Select(endpoint => endpoint.Metadata.GetMetadata<GrpcMethodMetadata>())
        .OfType<GrpcMethodMetadata>()
        .Select(method => method.Method.FullName);

    /// <summary>Signals are the program's business: the platform's own lifetime would swallow SIGTERM.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>The address cannot be listened on; the message says which and why.</summary>
sealed class CannotListenException(string message, Exception inner) : Exception(message, inner);
