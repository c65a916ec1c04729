namespace Runner.Tests.Grpc;

/// <summary>Waiting with a limit that no healthy machine reaches.</summary>
internal static class Waiting
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    public static Task Soon(this Task task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);

    public static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Done when the token is cancelled.</summary>
    public static async Task Cancelled(this CancellationToken token)
    {
        var cancelled = NewSignal();
        await using var registration = token.Register(() => cancelled.TrySetResult());
        await cancelled.Task.Soon();
    }
}
