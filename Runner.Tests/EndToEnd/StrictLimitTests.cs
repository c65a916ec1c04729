using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>A machine that can hold no job to anything: each limit refuses the start with the reason, and doctor says the same.</summary>
public sealed class StrictLimitTests
{
    // Without the v1 hierarchies only what v2 itself has is left, which on a hybrid machine is no controller a limit needs.
    private const string Script = """
        set -eu
        runner=$1 cgroup=$3
        cd "$2"
        for controller in cpu memory pids blkio cpuset; do
            for at in $(awk -v c=$controller '$(NF - 2) == "cgroup" && $NF ~ "(^|,)" c "(,|$)" { print $5 }' /proc/self/mountinfo); do umount "$at"; done
        done
        "$runner" doctor >doctor || true
        "$runner" certs init --dir certs >/dev/null
        "$runner" serve --listen 127.0.0.1:0 --cert certs/server.pem --state-dir state --cgroup "$cgroup" >out 2>err & server=$!
        trap 'kill -KILL $server 2>/dev/null || true' EXIT
        i=0; until grep -q ^listening out; do kill -0 $server; i=$((i + 1)); [ $i -lt 1200 ]; sleep 0.05; done
        export RUNNER_SERVER RUNNER_CERT=$PWD/certs/admin.pem RUNNER_CA=$PWD/certs/server-ca.pem
        RUNNER_SERVER=$(sed -n 's/^listening on //p' out)
        while read -r limit; do
            code=0
            "$runner" start $limit -- true 2>&1 || code=$?
            echo "$code"
        done <limits
        "$runner" run -- echo free
        "$runner" list --all | wc -l
        kill -TERM $server; wait $server; trap - EXIT
        grep -v 'Z info: ' err || true
        """;

    [Fact]
    public async Task A_limit_that_cannot_be_applied_refuses_the_start_with_the_reason()
    {
        Assert.SkipUnless(Directory.Exists("/sys/fs/cgroup/unified"), "this machine is not hybrid");
        (string Limit, string Object)[] limits =
        [
            ("--cpu 0.5", "cpus to 0.5"), ("--cpu-weight 50", "cpu weight to 50"), ("--memory 64M", "memory to 67108864"), ("--memory-high 64M", "high memory to 67108864"),
            ("--pids 5", "pids to 5"), ("--io-weight 50", "io weight to 50"),
        ];
        using var folder = new TemporaryFolder();
        folder.Write("limits", string.Concat(limits.Select(limit => $"{limit.Limit}\n")));
        await using var cgroup = new OwnCgroup();
        var lines = (await OwnNamespaces.RunAsync(Script, [RunnerBinary.Path, folder.Path, cgroup.Name])).Expect(0).Output.TrimEnd('\n').Split('\n');
        foreach (var (at, (_, what)) in limits.Index())
        {
            Assert.Matches($"^runner: cannot limit {what}: .*the (cpu|memory|pids|io|blkio) controller.*; see runner doctor$", lines[2 * at]);
            Assert.Equal("126", lines[2 * at + 1]);
        }
        Assert.Equal(["free", "2"], lines[(2 * limits.Length)..]); // and one job, below the heading
        var doctor = await File.ReadAllTextAsync(folder.At("doctor"), TestContext.Current.CancellationToken);
        foreach (var name in new[] { "cpu limit", "cpu weight", "memory limit", "pids limit", "io limit" })
            Assert.Matches($"(?m)^missing +{name} ", doctor);
        Assert.Matches("(?m)^limited +memory high ", doctor);
    }
}
