using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>A state folder without room, on a small file system that only this test's processes see.</summary>
public sealed class FullDiskTests
{
    private const string Script = """
        set -eu
        runner=$1 cgroup=$3
        cd "$2"
        "$runner" certs init --dir certs >/dev/null
        mkdir state
        mount -t tmpfs -o size=16m,mode=700 none state
        head -c 12M /dev/zero >state/ballast
        "$runner" serve --listen 127.0.0.1:0 --cert certs/server.pem --state-dir state --max-output unlimited --cgroup "$cgroup" >out 2>err & server=$!
        trap 'kill -KILL $server 2>/dev/null || true' EXIT
        # until_has FILE WORDS: waits for a line; the server's end or a minute ends the wait.
        until_has() { local i=0; until grep -q "$2" "$1"; do kill -0 $server; i=$((i + 1)); [ $i -lt 1200 ]; sleep 0.05; done; }
        until_has out ^listening
        export RUNNER_SERVER RUNNER_CERT=$PWD/certs/admin.pem RUNNER_CA=$PWD/certs/server-ca.pem
        RUNNER_SERVER=$(sed -n 's/^listening on //p' out)
        job=$("$runner" start -- sh -c 'head -c 8M /dev/zero; echo end; echo written >&2')
        until_has err 'held back'
        "$runner" status $job | grep ^state
        if "$runner" start -- true 2>refusal; then echo started; fi
        rm state/ballast
        "$runner" logs $job | sha256sum
        "$runner" logs --stderr $job
        "$runner" status $job | grep ^state
        "$runner" run -- echo goes on
        kill -TERM $server; wait $server; trap - EXIT
        { head -c 8M /dev/zero; echo end; } | sha256sum
        """;

    [Fact]
    public async Task A_job_that_fills_the_disk_waits_and_goes_on_without_a_byte_lost_when_there_is_room()
    {
        using var folder = new TemporaryFolder();
        await using var cgroup = new OwnCgroup();
        var ran = await OwnNamespaces.RunAsync(Script, [RunnerBinary.Path, folder.Path, cgroup.Name]);
        var lines = ran.Expect(0).Output.TrimEnd('\n').Split('\n');
        Assert.Equal(["state    running", lines[^1], "written", "state    ended: exited with code 0", "goes on", lines[^1]], lines);
        Assert.Contains("full", await File.ReadAllTextAsync(folder.At("refusal"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }
}
