using Microsoft.AspNetCore.Connections;

namespace Runner.Server;

/// <summary>How long what a connection's caller was taken for is true: no longer than any certificate in the chain.</summary>
sealed record CertificateTime(DateTimeOffset Until)
{
    // Clocks are set, and timers stand still while a machine sleeps; so it is looked at now and then.
    private static readonly TimeSpan Often = TimeSpan.FromMinutes(1);

    /// <summary>Serves a connection, and breaks it off with every call on it when its certificate's time is over.</summary>
    public static async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next, TimeProvider time)
    {
        var until = (connection.Features.Get<CertificateTime>() ?? throw new InvalidOperationException("the connection has no verified caller")).Until;
        using var ended = new CancellationTokenSource();
        var ending = EndAsync(connection, until, time, ended.Token);
        try
        {
            await next(connection);
        }
        finally
        {
            await ended.CancelAsync();
            await ending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task EndAsync(ConnectionContext connection, DateTimeOffset until, TimeProvider time, CancellationToken ended)
    {
        // A millisecond more, because a timer counts in whole ones.
        while (until - time.GetUtcNow() is var left && left > TimeSpan.Zero)
            await Task.Delay(left < Often ? left + TimeSpan.FromMilliseconds(1) : Often, time, ended);
        connection.Abort(new ConnectionAbortedException("the client's certificate has expired"));
    }
}
