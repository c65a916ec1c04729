using System.Text;
using Microsoft.Win32.SafeHandles;
using Runner.Jobs;
using Runner.Keeper;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Tests.Keeper;

/// <summary>What a keeper hands on is read by the program that takes its place, also by a newer one.</summary>
public sealed class KeeperStateTests : IDisposable
{
    private readonly List<Fd> _open = [];

    public void Dispose() => _open.ForEach(fd => fd.Dispose());

    [Fact]
    public void All_that_a_lasting_keeper_has_is_handed_on()
    {
        var (job, gone) = (JobId.New(), new ReapedProcess(new ProcessExit.Exited(7), 1, 2, false, DateTimeOffset.UnixEpoch));
        var front = new FrontWish(Open(), Open(), Open(), Open(), 100, 200, Leaves: true);
        var state = new KeeperState(null, false, true, Open(), [new(job, new(4711, Open()), [Open(), Open()]) { Gone = gone }], new(front, Open(), IsReload: true));
        Fd[] written = [.. state.Fds];
        var read = KeeperState.Read(Written(state));
        Fd[] back = [.. read.Fds];
        Assert.Equal(9, back.Length);
        Assert.Equal(written.Select(fd => fd.Number), back.Select(fd => fd.Number));
        Release(back);
        Assert.Equal((null, false, true), (read.Signals, read.HadTerminal, read.ReloadAgain));
        Assert.Equal((100, 200, true, true), (read.Lasting!.Front.Alive, read.Lasting.Front.Patience, read.Lasting.Front.Leaves, read.Lasting.IsReload));
        var kept = Assert.Single(read.Jobs);
        Assert.Equal((job, 4711, gone), (kept.Id, kept.Process.Pid, kept.Gone));
    }

    [Fact]
    public void What_the_first_version_wrote_is_read_and_is_what_a_keeper_writes_that_does_not_outlive_its_server()
    {
        var job = JobId.New();
        Fd signalsOut = Open(), signalsIn = Open(), socket = Open(), pidfd = Open(), pipe = Open();
        var bytes = new MemoryStream();
        using (var to = new BinaryWriter(bytes, Encoding.UTF8, leaveOpen: true))
        {
            foreach (var number in new[] { 0x4B505231, 1, signalsOut.Number, signalsIn.Number }) to.Write(number);
            to.Write(true); // it had a terminal
            to.Write(false); // no other reload was asked for
            to.Write(socket.Number);
            to.Write(1);
            to.Write(job.ToString());
            foreach (var number in new[] { 4711, pidfd.Number, 1, pipe.Number }) to.Write(number);
            to.Write(false); // it runs
        }
        using var same = new SafeFileHandle(Written(new KeeperState(new(signalsOut, signalsIn), true, false, socket, [new(job, new(4711, pidfd), [pipe])])), ownsHandle: true);
        var now = new byte[bytes.Length + 1];
        Assert.Equal(bytes.ToArray(), now[..RandomAccess.Read(same, now, 0)]);

        var file = Libc.CreateMemoryFile("state", OrderFile.CloseOnExec);
        using (var handle = new SafeFileHandle(file.Number, ownsHandle: false)) RandomAccess.Write(handle, bytes.ToArray(), 0);
        var read = KeeperState.Read(Number(file));
        Fd[] back = [.. read.Fds];
        Release(back);
        Assert.Equal([signalsOut.Number, signalsIn.Number, socket.Number, pidfd.Number, pipe.Number], back.Select(fd => fd.Number));
        Assert.Equal((true, false, null), (read.HadTerminal, read.ReloadAgain, read.Lasting));
        Assert.Equal((job, 4711, null), (read.Jobs.Single().Id, read.Jobs.Single().Process.Pid, read.Jobs.Single().Gone));
    }

    [Theory, InlineData("1", true), InlineData("2", true), InlineData("3", false), InlineData("", false), InlineData("-1", false)]
    public void A_program_takes_over_only_what_it_can_read(string format, bool can) => Assert.Equal(can, KeeperState.CanRead(format));

    private static int Written(KeeperState state) => Number(state.Write());

    /// <summary>Of a file that somebody else owns from now on.</summary>
    private static int Number(Fd file)
    {
        var number = file.Number;
        file.SetHandleAsInvalid();
        return number;
    }

    /// <summary>They are the same as those that were written, which are closed by this test.</summary>
    private static void Release(IEnumerable<Fd> fds)
    {
        foreach (var fd in fds) fd.SetHandleAsInvalid();
    }

    private Fd Open()
    {
        var fd = Libc.Open("/dev/null", OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        _open.Add(fd);
        return fd;
    }
}
