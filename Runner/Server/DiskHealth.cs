using Grpc.Health.V1;
using Grpc.HealthCheck;
using Microsoft.Extensions.Logging;
using Runner.Jobs;

namespace Runner.Server;

/// <summary>Tells health checks and the log when the disk of the state directory has no room or takes nothing, and when it does again.</summary>
sealed class DiskHealth : IAsyncDisposable
{
    /// <summary>A service of its own: while the disk is full calls are still answered, and the server should not be taken out for it.</summary>
    public const string Service = "runner.disk";

    // Nothing tells when a disk fills up.
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(2);

    private readonly JobRegistry _jobs;
    private readonly HealthServiceImpl _health;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watching;
    private bool _wasHealthy = true;

    public DiskHealth(JobRegistry jobs, HealthServiceImpl health, TimeProvider time, ILogger<DiskHealth> logger)
    {
        (_jobs, _health, _logger) = (jobs, health, logger);
        Look();
        _watching = WatchAsync(time);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        _stop.Dispose();
    }

    private async Task WatchAsync(TimeProvider time)
    {
        using var timer = new PeriodicTimer(s_pause, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token)) Look();
        }
        catch (OperationCanceledException)
        {
            // The server ends.
        }
    }

    private void Look()
    {
        var (healthy, full, words) = (false, false, "");
        try
        {
            var state = _jobs.Disk();
            (healthy, full, words) = (state.IsHealthy, state.Space is { IsLow: true }, $"{state.Space?.Words ?? "no reserve"}; {state.HeldBack} jobs held back, {state.WaitingEnds} ends wait");
        }
        catch (Exception e)
        {
            words = e.Message;
        }
        _health.SetStatus(Service, healthy ? HealthCheckResponse.Types.ServingStatus.Serving : HealthCheckResponse.Types.ServingStatus.NotServing);
        if (healthy == _wasHealthy) return;
        _wasHealthy = healthy;
        if (healthy) _logger.DiskHasRoom(words);
        else if (full) _logger.DiskIsFull(words);
        else _logger.DiskFails(words);
    }
}
