using Runner.Tests.EndToEnd;
using Runner.Tests.Support;

namespace Runner.Tests.Linux;

[Collection(VirtualMachines.Name)]
public sealed class VmTests : IDisposable
{
    private readonly string _script = Path.GetTempFileName();

    public void Dispose() => File.Delete(_script);

    [Fact]
    public async Task A_script_of_this_machine_runs_in_one_with_pure_v2_and_every_controller()
    {
        await File.WriteAllTextAsync(_script, """
            grep -c ' cgroup ' /proc/self/mounts
            cat /sys/fs/cgroup/cgroup.controllers
            echo "$1" >&2
            exit 42
            """, TestContext.Current.CancellationToken);
        var result = await Vm.Run(TimeSpan.FromMinutes(10), "sh", _script, "it's an error");
        Assert.Equal(42, result.ExitCode);
        Assert.Equal("it's an error\n", result.Error);
        var lines = result.Output.Split('\n');
        Assert.Equal("0", lines[0]); // no v1
        Assert.Superset(new HashSet<string> { "cpu", "memory", "pids", "io" }, lines[1].Split(' ').ToHashSet());
    }
}
