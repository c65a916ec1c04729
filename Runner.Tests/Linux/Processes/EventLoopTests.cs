using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Tests.Linux.Processes;

public sealed class EventLoopTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_step_that_fails_on_the_loop_fails_for_whoever_waits_for_it_and_the_loop_goes_on()
    {
        using var loop = new EventLoop("test", _ => { });
        var failing = loop.RunAsync(() => throw new IOException("no more watches"));
        Assert.Equal("no more watches", (await Assert.ThrowsAsync<IOException>(() => failing.WaitAsync(TimeSpan.FromSeconds(30), Cancelled))).Message);
        await loop.RunAsync(() => { }).WaitAsync(TimeSpan.FromSeconds(30), Cancelled);
    }

    [Fact]
    public async Task A_process_that_cannot_be_watched_is_told_at_once()
    {
        using var loop = new EventLoop("test", _ => { });
        using var file = Libc.Open("/etc/passwd", OpenFlags.ReadOnly | OpenFlags.CloseOnExec); // epoll takes no plain file
        await Assert.ThrowsAsync<LinuxException>(() => new ExitWatch(loop).WhenExited(file).WaitAsync(TimeSpan.FromSeconds(30), Cancelled));
    }
}
