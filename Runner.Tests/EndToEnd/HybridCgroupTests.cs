using System.Text.Json;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>What only root with every capability can do, on a machine with the v1 controllers, in a virtual machine.</summary>
[Collection(Measured.Name)]
public sealed class HybridCgroupTests
{
    [Fact]
    public async Task On_cgroup_v1_too_who_is_exempt_from_OOM_kills_survives_the_others_and_ends_by_itself()
    {
        var ran = await Vm.Run(TimeSpan.FromMinutes(3), "bash", Repository.At("Runner.Tests", "EndToEnd", "guest-v1.sh"), RunnerBinary.Path);
        Assert.True(ran.ExitCode == 0, $"{ran.ExitCode}\n{ran.Output}\n{ran.Error}");
        var lines = ran.Output.TrimEnd('\n').Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Equal("code 5", lines[0]);
        var job = JsonDocument.Parse(lines[1]).RootElement;
        Assert.Equal(("exited", 5), (job.GetProperty("end").GetProperty("reason").GetString(), job.GetProperty("end").GetProperty("code").GetInt32()));
        Assert.True(job.GetProperty("usage").GetProperty("oom_kills").GetInt64() > 0);
    }
}
