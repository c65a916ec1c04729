namespace Runner.Tests.Support;

/// <summary>Waits for what nothing tells of: looks again and again, with a limit that no healthy machine reaches.</summary>
static class Until
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(5);

    /// <param name="isSo">The condition.</param>
    /// <param name="what">What it says, as it is to stand in the failure; asked when the limit has passed.</param>
    public static Task SoAsync(Func<bool> isSo, Func<string> what) => SoAsync(() => Task.FromResult(isSo()), what);

    public static Task SoAsync(Func<bool> isSo, string what) => SoAsync(isSo, () => what);

    public static Task SoAsync(Func<Task<bool>> isSo, string what) => SoAsync(isSo, () => what);

    private static async Task SoAsync(Func<Task<bool>> isSo, Func<string> what)
    {
        for (var start = TimeProvider.System.GetTimestamp(); !await isSo(); await Task.Delay(s_pause, TestContext.Current.CancellationToken))
            Assert.True(TimeProvider.System.GetElapsedTime(start) < Limit, $"after {Limit.TotalSeconds} s it is not so that {what()}");
    }
}
