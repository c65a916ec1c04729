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
        // The first look is early by whole steps, so that one of them comes when the time is over, and not up to a step later.
        var first = Math.Max(0, (until - time.GetUtcNow()).Ticks % Often.Ticks) + TimeSpan.TicksPerMillisecond;
        await using var timer = time.CreateTimer(_ => Look(), null, TimeSpan.FromTicks(first), Often);
        await next(connection);

        void Look()
        {
            if (time.GetUtcNow() >= until) connection.Abort(new ConnectionAbortedException("the client's certificate has expired"));
        }
    }
}
