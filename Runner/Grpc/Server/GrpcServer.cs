using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Grpc.AspNetCore.Server;

/// <summary>What all gRPC methods of one host share: limits, interceptors, log.</summary>
internal sealed partial class GrpcServer
{
    private readonly ILogger _logger;
    private readonly HashSet<string> _services = [];

    public GrpcServer(IOptions<GrpcServiceOptions> options, IServiceProvider services, ILoggerFactory? loggers = null)
    {
        MaxReceiveMessageSize = options.Value.MaxReceiveMessageSize;
        MaxSendMessageSize = options.Value.MaxSendMessageSize;
        EnableDetailedErrors = options.Value.EnableDetailedErrors ?? false;
        Interceptors = [.. options.Value.Interceptors.Select(registration => registration.Create(services))];
        _logger = loggers?.CreateLogger("Grpc.AspNetCore.Server") ?? (ILogger)NullLogger.Instance;
    }

    public int? MaxReceiveMessageSize { get; }

    public int? MaxSendMessageSize { get; }

    public bool EnableDetailedErrors { get; }

    public IReadOnlyList<Interceptor> Interceptors { get; }

    /// <summary>True the first time.</summary>
    public bool AddService(string name) => _services.Add(name);

    public bool HasService(string name) => _services.Contains(name);

    [LoggerMessage(1, LogLevel.Error, "The handler of {Method} threw an exception")]
    public partial void HandlerThrew(string method, Exception exception);
}
