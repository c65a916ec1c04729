using System.Threading.Channels;
using Grpc.Core;
using Grpc.Health.V1;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace Grpc.HealthCheck;

/// <summary>Tells the health of services as it was set; a watcher may miss what changed back at once, never what is.</summary>
internal sealed class HealthServiceImpl : Health.V1.Health.HealthBase
{
    // Far beyond any service's name, and small enough to be kept for as long as a watcher stays.
    private const int LongestName = 256;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, ServingStatus> _statuses = [];
    private readonly Dictionary<string, List<ChannelWriter<ServingStatus>>> _watchers = [];

    public void SetStatus(string service, ServingStatus status)
    {
        lock (_lock)
        {
            _statuses[service] = status;
            Tell(service);
        }
    }

    /// <summary>The service is unknown from now on.</summary>
    public void ClearStatus(string service)
    {
        lock (_lock)
        {
            _statuses.Remove(service);
            Tell(service);
        }
    }

    public void ClearAll()
    {
        lock (_lock)
        {
            _statuses.Clear();
            foreach (var service in _watchers.Keys) Tell(service);
        }
    }

    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context)
    {
        CheckName(request);
        lock (_lock)
            return _statuses.TryGetValue(request.Service, out var status)
                ? Task.FromResult(new HealthCheckResponse { Status = status })
                : throw new RpcException(new Status(StatusCode.NotFound, ""));
    }

    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        CheckName(request);
        var changes = Channel.CreateBounded<ServingStatus>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        lock (_lock)
        {
            if (!_watchers.TryGetValue(request.Service, out var watchers)) _watchers[request.Service] = watchers = [];
            watchers.Add(changes.Writer);
            changes.Writer.TryWrite(StatusOf(request.Service));
        }

        try
        {
            ServingStatus? told = null;
            await foreach (var status in changes.Reader.ReadAllAsync(context.CancellationToken).ConfigureAwait(false))
            {
                if (status == told) continue;
                await responseStream.WriteAsync(new HealthCheckResponse { Status = status }).ConfigureAwait(false);
                told = status;
            }
        }
        finally
        {
            lock (_lock)
            {
                var watchers = _watchers[request.Service];
                watchers.Remove(changes.Writer);
                if (watchers.Count == 0) _watchers.Remove(request.Service);
            }
        }
    }

    private static void CheckName(HealthCheckRequest request)
    {
        if (request.Service.Length > LongestName)
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"A service's name has at most {LongestName} characters."));
    }

    private ServingStatus StatusOf(string service) => _statuses.GetValueOrDefault(service, ServingStatus.ServiceUnknown);

    private void Tell(string service)
    {
        if (!_watchers.TryGetValue(service, out var watchers)) return;
        foreach (var watcher in watchers) watcher.TryWrite(StatusOf(service));
    }
}
