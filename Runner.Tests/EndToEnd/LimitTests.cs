using System.Text.Json;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>Tests that measure, or that are such a load that others would have to wait: they run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Measured
{
    public const string Name = "measured";
}

/// <summary>Virtual machines that nothing is measured in: one after another, beside the other tests.</summary>
[CollectionDefinition(Name)]
public sealed class VirtualMachines
{
    public const string Name = "virtual machines";
}

[Collection(Measured.Name)]
public sealed class LimitTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Theory, InlineData(0.5), InlineData(0.2)]
    public async Task A_burner_gets_its_share_of_a_core(double cores)
    {
        PreferOverOtherPrograms(server);
        var job = await server.StartAsync("--cpu", JsonSerializer.Serialize(cores), "--", "timeout", "4", "sh", "-c", "while :; do :; done");
        Assert.InRange(Job.ShareOf(await server.EndAsync(job)), cores * 0.9, cores * 1.1);
    }

    [Fact]
    public async Task All_processes_of_a_job_share_its_one_limit()
    {
        PreferOverOtherPrograms(server);
        var job = await server.StartAsync("--cpu", "0.5", "--", "timeout", "4", "sh", "-c", "for i in 1 2 3 4; do while :; do :; done & done; wait");
        var status = await server.EndAsync(job);
        Assert.InRange(Job.ShareOf(status), 0.45, 0.55);
        Assert.True(status.GetProperty("usage").GetProperty("throttled_seconds").GetDouble() > 0);
    }

    [Theory]
    [InlineData("awk", "BEGIN { s = \"x\"; while (length(s) < 200 * 1048576) s = s s; print \"survived\" }")]
    [InlineData("sh", "-c", "head -c 200M /dev/zero | tail -n 1 >/dev/null; exec sleep 1000")] // a child is killed, and the job with it
    public async Task A_job_that_wants_more_memory_than_its_limit_ends_as_out_of_memory(params string[] command)
    {
        var job = await server.StartAsync(["--memory", "64M", "--", .. command]);
        var status = await server.EndAsync(job);
        Assert.Equal("out-of-memory", status.GetProperty("end").GetProperty("reason").GetString());
        Assert.InRange(status.GetProperty("usage").GetProperty("memory_peak_bytes").GetInt64(), 32 << 20, 65 << 20);
        Assert.Empty((await server.RunnerAsync("logs", job)).Output);
    }

    [Fact]
    public async Task The_same_program_with_room_enough_ends_well()
    {
        var job = await server.StartAsync("--memory", "600M", "--", "sh", "-c", "head -c 200M /dev/zero | tail -n 1 | wc -c");
        var status = await server.EndAsync(job);
        Assert.Equal("exited", status.GetProperty("end").GetProperty("reason").GetString());
        Assert.Equal("209715200\n", (await server.RunnerAsync("logs", job)).Output);
    }

    [Fact]
    public async Task A_job_has_no_more_processes_at_once_than_its_limit()
    {
        var ran = await server.RunnerAsync("run", "--pids", "10", "--", "sh", "-c", "for i in $(seq 50); do sleep 1000 & echo $i; done");
        // The shell itself is the tenth; it gives up when it cannot fork.
        Assert.Equal(string.Concat(Enumerable.Range(1, 9).Select(number => $"{number}\n")), ran.Output);
        Assert.Contains("Cannot fork", ran.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, ran.Code);
    }

    // The figures are of what the limit allows, not of what other programs on this machine leave.
    internal static void PreferOverOtherPrograms(LiveServer server)
    {
        foreach (var cgroup in server.Cgroups())
            foreach (var (file, most) in new[] { ("cpu.shares", "262144"), ("cpu.weight", "10000") })
                if (File.Exists($"{cgroup}/{file}")) File.WriteAllText($"{cgroup}/{file}", most);
    }
}
