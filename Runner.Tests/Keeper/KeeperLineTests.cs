using Runner.Jobs;
using Runner.Keeper;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Tests.Keeper;

/// <summary>What a server makes of what its keeper says, in whatever order that comes.</summary>
public sealed class KeeperLineTests : IDisposable
{
    private const int First = 1001, Second = 1002;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);
    private readonly JobId _id = JobId.New();
    private readonly Fd _nothing = Libc.Open("/dev/null", OpenFlags.ReadWrite | OpenFlags.CloseOnExec);
    private readonly MessageSocket _keeper, _server;

    public KeeperLineTests() => (_keeper, _server) = MessageSocket.CreatePair();

    public void Dispose()
    {
        _keeper.Dispose();
        _server.Dispose();
        _nothing.Dispose();
    }

    [Fact]
    public async Task The_end_of_a_process_that_was_forgotten_is_not_that_of_its_job_which_was_started_again()
    {
        _keeper.Send(Messages.Kept(_id, First), _nothing);
        using var line = Open();
        line.Forget(_id, Assert.Single(line.Kept).Process.Pid);
        line.Kept[0].Dispose();
        var starting = StartAsync(line);
        _keeper.Send(Messages.Gone(_id, First, Gone(new ProcessExit.Signaled(9, CoreDumped: false))));
        _keeper.Send(Messages.Started(Received(MessageKind.Start), Second), _nothing);
        _keeper.Send(Messages.Gone(_id, Second, Gone(new ProcessExit.Exited(3))));
        Assert.Equal((Second, new ProcessExit.Exited(3)), await EndAsync(starting));
    }

    [Fact]
    public async Task An_end_that_is_told_before_the_start_is_kept_for_it()
    {
        using var line = Open();
        var starting = StartAsync(line);
        var call = Received(MessageKind.Start);
        _keeper.Send(Messages.Gone(_id, First, Gone(new ProcessExit.Exited(4))));
        _keeper.Send(Messages.Started(call, First), _nothing);
        Assert.Equal((First, new ProcessExit.Exited(4)), await EndAsync(starting));
    }

    private KeeperLine Open()
    {
        _keeper.Send(Messages.Plain(MessageKind.AllKept));
        return new(_server);
    }

    private Task<StartedProcess> StartAsync(KeeperLine line) =>
        Task.Run(() => line.Start(_id, new("/bin/true", ["true"], [], "/", _nothing, [], (_nothing, _nothing, _nothing)), [_nothing]), TestContext.Current.CancellationToken);

    /// <summary>The next message of a kind; returns the call.</summary>
    private uint Received(MessageKind wanted)
    {
        while (true)
        {
            var message = _keeper.Receive();
            Assert.NotNull(message);
            foreach (var fd in message.Fds) fd.Dispose();
            var (kind, rest) = Messages.Read(message);
            using (rest)
                if (kind == wanted) return rest.ReadUInt32();
        }
    }

    private static async Task<(int Pid, ProcessExit Exit)> EndAsync(Task<StartedProcess> starting)
    {
        var process = await starting.WaitAsync(s_limit, TestContext.Current.CancellationToken);
        using (process.Pidfd)
            return (process.Pid, (await process.Ended.WaitAsync(s_limit, TestContext.Current.CancellationToken)).Exit);
    }

    private static ReapedProcess Gone(ProcessExit exit) => new(exit, 0, 0, false, DateTimeOffset.UnixEpoch);
}
