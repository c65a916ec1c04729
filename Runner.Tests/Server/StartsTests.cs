using System.Runtime.InteropServices;
using Grpc.Core;
using Runner.Access;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Server;
using Runner.Tests.Grpc;
using Runner.Tests.Support;

namespace Runner.Tests.Server;

/// <summary>Starts that hang, as on a file server that does not answer.</summary>
public sealed partial class StartsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Starts_that_hang_leave_threads_for_all_other_calls_and_go_on_when_they_can()
    {
        await using var served = await ServedMachine.StartAsync();
        using var folder = new TemporaryFolder();
        var program = folder.At("program");
        (await ChildProcess.ShellAsync("cp /bin/true \"$1\"", program)).Expect(0); // by another process: one forked from here meanwhile would hold it open

        // Whoever opens a file that another has a lease on, as execve does, waits until that one gives it up (fcntl(2)).
        using var file = Libc.Open(program, OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        Assert.Equal(0, Control(file.Number, SetSignal, IgnoredSignal));
        Assert.Equal(0, Control(file.Number, SetLease, WriteLease));
        var jobs = served.Jobs("wanda", Role.Writer);
        var ids = Enumerable.Range(0, 2 * WorkerThreads.Count).Select(_ => JobId.New().ToString()).ToList();
        var starts = ids.Select(id => jobs.StartJobAsync(new() { Id = id, Spec = new() { Command = program } }, cancellationToken: Token).ResponseAsync).ToList();
        var most = WorkerThreads.Count / 4;
        while (served.Machine.Cgroups().Count < most) await LookAsync(ids[..1]);
        foreach (var some in ids.Chunk(8)) await LookAsync(some);
        Assert.Equal(most, served.Machine.Cgroups().Count);

        Assert.Equal(0, Control(file.Number, SetLease, NoLease));
        await Task.WhenAll(starts).Soon();

        async Task LookAsync(IEnumerable<string> some)
        {
            Assert.Empty((await jobs.ListJobsAsync(new(), cancellationToken: Token).ResponseAsync.Soon()).Jobs);
            foreach (var id in some)
                Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(() => jobs.GetJobAsync(new() { Id = id }, cancellationToken: Token).ResponseAsync.Soon())).StatusCode);
        }
    }

    [Fact]
    public async Task A_start_that_finds_no_place_for_too_long_is_told_to_try_again()
    {
        using var starts = new Starts(most: 0, patience: TimeSpan.FromMilliseconds(1));
        var e = await Assert.ThrowsAsync<JobException>(() => starts.MakeAsync(() => throw new InvalidOperationException("started"), Token));
        Assert.Equal((JobError.Exhausted, "start"), (e.Error, e.Step));
    }

    private const int SetSignal = 10, SetLease = 1024, WriteLease = 1, NoLease = 2; // F_SETSIG, F_SETLEASE, F_WRLCK, F_UNLCK
    private const int IgnoredSignal = 23; // SIGURG, in place of SIGIO, which would end this process

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int fd, int command, int argument);
}
