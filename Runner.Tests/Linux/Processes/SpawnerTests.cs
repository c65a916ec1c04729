using System.Runtime.CompilerServices;
using System.Text;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Tests.Linux.Processes;

/// <summary>The child half itself, without a cgroup.</summary>
public sealed class SpawnerTests
{
    [Fact]
    public void Both_halves_agree_on_the_request() => Assert.Equal(Spawner.RequestSize(), Unsafe.SizeOf<SpawnRequest>());

    [Fact]
    public void What_waitid_fills_has_the_kernels_size() => Assert.Equal((128, 144), (Unsafe.SizeOf<SigInfo>(), Unsafe.SizeOf<ResourceCount>()));

    [Fact]
    public async Task A_program_gets_its_arguments_environment_and_folder()
    {
        var (output, exit) = await RunAsync("/bin/sh", ["sh", "-c", "echo \"$1\" \"$A\" \"$PWD\"; exit 5", "x", "ü ö"], ["A=b c"], "/usr");
        Assert.Equal(("ü ö b c /usr\n", new ProcessExit.Exited(5)), (output, exit));
    }

    [Fact]
    public async Task A_program_starts_with_clean_signals_in_a_session_of_its_own()
    {
        var (status, _) = await RunAsync("/bin/cat", ["cat", "/proc/self/status"], [], "/");
        var signals = status.Split('\n').Where(line => line.StartsWith("SigBlk") || line.StartsWith("SigIgn") || line.StartsWith("SigCgt")).ToList();
        Assert.Equal(3, signals.Count);
        Assert.All(signals, line => Assert.EndsWith("\t0000000000000000", line));

        var (stat, _) = await RunAsync("/bin/cat", ["cat", "/proc/self/stat"], [], "/");
        var fields = stat.Split(' ');
        Assert.Equal((fields[0], fields[0]), (fields[4], fields[5])); // its own process group and session
    }

    [Fact]
    public async Task A_program_has_three_descriptors_and_1024_to_open()
    {
        var (output, _) = await RunAsync("/bin/sh", ["sh", "-c", "ls /proc/$$/fd; ulimit -Sn"], [], "/");
        Assert.Equal("0\n1\n2\n1024\n", output);
    }

    [Theory]
    [InlineData("/no/such/program", "/", SpawnStep.Exec, Errno.ENOENT)]
    [InlineData("/etc/passwd", "/", SpawnStep.Exec, Errno.EACCES)]
    [InlineData("/usr", "/", SpawnStep.Exec, Errno.EACCES)]
    [InlineData("/bin/true", "/no/such/folder", SpawnStep.Chdir, Errno.ENOENT)]
    [InlineData("/bin/true", "/etc/passwd", SpawnStep.Chdir, Errno.ENOTDIR)]
    internal void A_refused_spawn_names_its_step_and_leaves_no_process(string program, string folder, SpawnStep step, Errno errno)
    {
        using var nothing = Libc.Open("/dev/null", OpenFlags.ReadWrite | OpenFlags.CloseOnExec);
        for (var i = 0; i < 100; i++)
        {
            var e = Assert.Throws<SpawnException>(() => Spawner.Spawn(new(program, [program], [], folder, null, [], (nothing, nothing, nothing))));
            Assert.Equal((step, errno), (e.Step, e.Errno));
        }
    }

    private static async Task<(string Output, ProcessExit Exit)> RunAsync(string program, string[] argv, string[] envp, string folder)
    {
        using var loop = new EventLoop("test", _ => { });
        using var nothing = Libc.Open("/dev/null", OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        var (read, write) = Pipes.Create();
        SpawnedProcess spawned;
        using (write) spawned = Spawner.Spawn(new(program, argv, envp, folder, null, [], (nothing, write, write)));
        var exit = (await new ExitWatch(loop).WhenExited(spawned.Pidfd).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken)).Exit;
        using (read)
        {
            var buffer = new byte[64 * 1024];
            var text = new StringBuilder();
            while (ReadSome(read, buffer) is > 0 and var count) text.Append(Encoding.UTF8.GetString(buffer, 0, count));
            return (text.ToString(), exit);
        }
    }

    private static unsafe int ReadSome(Fd fd, byte[] buffer)
    {
        fixed (byte* start = buffer) return (int)Libc.Read(fd, start, (nuint)buffer.Length);
    }
}
