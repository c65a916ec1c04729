using System.Diagnostics;
using Runner.Linux.Processes;
using Runner.Tests.Support;

namespace Runner.Tests.Linux.Processes;

public sealed class ProcessAgeTests
{
    private static readonly TimeSpan s_ticks = TimeSpan.FromMilliseconds(20);

    [Fact]
    public async Task A_process_is_as_old_as_it_is_whatever_its_name_holds()
    {
        using var folder = new TemporaryFolder();
        var program = folder.At("a) 1 2 (b");
        (await ChildProcess.ShellAsync("cp /bin/sleep \"$1\"", program)).Expect(0);
        var before = Stopwatch.GetTimestamp();
        await using var process = ChildProcess.Start(program, ["1000"], RunnerBinary.Surroundings());
        var started = Stopwatch.GetTimestamp();
        for (var look = 0; look < 20; look++)
        {
            var least = Stopwatch.GetElapsedTime(started);
            var age = ProcessAge.Of(process.Id);
            Assert.InRange(age!.Value, least - s_ticks, Stopwatch.GetElapsedTime(before));
            await Task.Delay(5, TestContext.Current.CancellationToken); // it grows
        }
        process.Signal(ChildProcess.SigKill);
    }

    [Fact]
    public void Of_no_process_there_is_no_age() => Assert.Null(ProcessAge.Of(int.MaxValue));
}
