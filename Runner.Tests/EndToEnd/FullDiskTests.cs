using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>A state folder without room, on a small file system that only this test's processes see.</summary>
public sealed class FullDiskTests
{
    // `disk SIZE OPTIONS` mounts the state folder, `serve OPTIONS` starts a server and names it to the client.
    private const string Before = """
        set -eu
        runner=$1 cgroup=$3
        cd "$2"
        "$runner" certs init --dir certs >/dev/null
        mkdir state
        disk() { mount -t tmpfs -o "size=$1,mode=700${2:-}" none state; }
        trap 'kill -KILL $server 2>/dev/null || true' EXIT
        # until_has FILE WORDS: waits for a line; the server's end or a minute ends the wait.
        until_has() { local i=0; until grep -q "$2" "$1"; do kill -0 $server; i=$((i + 1)); [ $i -lt 1200 ]; sleep 0.05; done; }
        # until_is COMMAND...: waits until it succeeds.
        until_is() { local i=0; until "$@"; do kill -0 $server; i=$((i + 1)); [ $i -lt 1200 ]; sleep 0.05; done; }
        serve() {
            : >out # a line of the one before must not be taken for this one's
            "$runner" serve --listen 127.0.0.1:0 --cert certs/server.pem --state-dir state --max-output unlimited --keep-output 1G --cgroup "$cgroup" "$@" >out 2>>err & server=$!
            until_has out ^listening
            export RUNNER_SERVER=$(sed -n 's/^listening on //p' out)
        }
        end() { kill -TERM $server; wait $server; }
        export RUNNER_CERT=$PWD/certs/admin.pem RUNNER_CA=$PWD/certs/server-ca.pem

        """;

    private const string LogIsFull = """
        disk 16m
        head -c 12M /dev/zero >state/ballast
        serve --disk-reserve 0
        job=$("$runner" start -- sh -c 'until [ -e go ]; do sleep 0.05; done; head -c 8M /dev/zero; echo end; echo written >&2')
        : >go # once its start is stored
        until_has err 'held back'
        "$runner" status $job | grep ^state
        if "$runner" start -- true 2>refusal; then echo started; fi
        rm state/ballast
        "$runner" logs $job | sha256sum
        "$runner" logs --stderr $job
        "$runner" status $job | grep ^state
        "$runner" run -- echo goes on
        end
        { head -c 8M /dev/zero; echo end; } | sha256sum
        """;

    [Fact]
    public async Task A_job_that_fills_the_disk_waits_and_goes_on_without_a_byte_lost_when_there_is_room()
    {
        var (lines, refusal) = await RunAsync(LogIsFull);
        Assert.Equal(["state    running", lines[^1], "written", "state    ended: exited with code 0", "goes on", lines[^1]], lines);
        Assert.Contains("full", refusal, StringComparison.Ordinal);
    }

    // Its output stops at the lower half of the reserve, so that there is room for its end, its last bytes included.
    private const string ReserveIsReached = """
        disk 64m
        serve --disk-reserve 16M
        quiet=$("$runner" start -- sleep 1000)
        greedy=$("$runner" start -- sh -c 'trap "" TERM; head -c 100M /dev/zero; sleep 1000')
        until_has err 'held back'
        [ $(stat -f -c %a state) -ge $((7 * 256)) ] && echo half of the reserve is left
        "$runner" status $greedy | grep -o '^held .*are kept for the ends of jobs'
        "$runner" status --json $greedy | grep -o '"held_back": "[^ ]*'
        "$runner" start -- true 2>refusal || echo refused $?
        until_has err 'no room'
        "$runner" stop --grace 0 $greedy | head -1
        "$runner" stop $quiet | head -1
        "$runner" prune --older-than 0
        "$runner" run -- echo goes on
        until_has err 'has room'
        end
        """;

    [Fact]
    public async Task What_jobs_write_stops_before_the_disk_is_full_so_that_all_can_end()
    {
        var (lines, refusal) = await RunAsync(ReserveIsReached);
        Assert.Equal("half of the reserve is left", lines[0]);
        Assert.Matches("^held     back, until the server's disk takes more: .*/state: [78] MiB free, 16 MiB are kept for the ends of jobs$", lines[1]);
        Assert.StartsWith("\"held_back\": \"/", lines[2], StringComparison.Ordinal);
        Assert.Equal(["refused 125", "ended: stopped by admin (killed by SIGKILL)"], lines[3..5]);
        Assert.StartsWith("ended: stopped by admin", lines[5], StringComparison.Ordinal);
        Assert.Matches("^removed 2 jobs, 5[67][.0-9]* MiB of output$", lines[6]);
        Assert.Equal("goes on", lines[7]);
        Assert.Matches("^runner: the disk of .*/state is nearly full: [78] MiB free, 16 MiB are kept for the ends of jobs; make room there, as with runner prune --older-than 7d", refusal);
    }

    // Others have taken every byte: the end cannot be stored, the stop says so, and the end is told once it is.
    private const string DatabaseIsFull = """
        disk 16m
        serve --disk-reserve 0
        job=$("$runner" start -- sleep 1000)
        other=$("$runner" start -- sh -c 'sleep 1000; exit 7')
        dd if=/dev/zero of=state/ballast bs=4k 2>/dev/null || true
        # What is left of the pages of the log of the database.
        until ! "$runner" start -- true 2>refusal; do :; done
        "$runner" stop --grace 0 $job 2>stop || echo stop $?
        grep -c 'no process of it runs any more, but its end is not stored yet' stop
        "$runner" status $job | grep ^state
        "$runner" status $job | grep -o '^held .*could not be recorded'
        rm state/ballast
        "$runner" wait $job 2>/dev/null || echo wait $?
        "$runner" status $job | grep ^state
        "$runner" status $other | grep ^state
        serving=$(pgrep -P $server -f '^runner serve')
        kill -KILL $server; wait $server || true
        i=0; while kill -0 $serving 2>/dev/null; do i=$((i + 1)); [ $i -lt 3000 ]; sleep 0.02; done
        serve
        "$runner" status $job | grep ^state
        end
        """;

    [Fact]
    public async Task An_end_that_cannot_be_stored_is_told_when_it_is_and_the_stop_says_so()
    {
        var (lines, _) = await RunAsync(DatabaseIsFull);
        const string Stopped = "state    ended: stopped by admin (killed by SIGKILL)";
        Assert.Equal(["stop 125", "1", "state    running", "held     back, until the server's disk takes more: it could not be recorded", "wait 137", Stopped, "state    running", Stopped], lines);
    }

    // A server that dies meanwhile comes back, for the jobs and for whoever is to make room.
    private const string ServerDiesOnAFullDisk = """
        disk 16m
        serve --disk-reserve 0
        job=$("$runner" start -- sh -c 'until [ -e go ]; do sleep 0.05; done; exit 7')
        dd if=/dev/zero of=state/ballast bs=4k 2>/dev/null || true
        until ! "$runner" start -- true 2>refusal; do :; done
        kill -KILL $(pgrep -P $server -f '^runner serve')
        "$runner" status $job | grep ^state
        rm state/ballast; : >go
        "$runner" wait $job 2>/dev/null || echo wait $?
        end
        """;

    [Fact]
    public async Task A_server_that_dies_on_a_full_disk_is_replaced_by_one_that_answers()
    {
        var (lines, _) = await RunAsync(ServerDiesOnAFullDisk);
        Assert.Equal(["state    running", "wait 7"], lines);
    }

    // The server stands still, so that nobody but the keeper knows of the end.
    private const string ExitFindsNoRoom = """
        gone() { ! kill -0 $1 2>/dev/null; }
        disk 16m
        serve --disk-reserve 0 --watchdog 10m
        job=$("$runner" start -- sh -c 'until [ -e go ]; do sleep 0.05; done; exit 7')
        pid=$("$runner" status --json $job | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')
        serving=$(pgrep -P $server -f '^runner serve')
        kill -STOP $serving
        dd if=/dev/zero of=state/ballast bs=4k 2>/dev/null || true
        : >go
        until_is gone $pid
        [ ! -s state/exits ] || echo written
        rm state/ballast
        until_is test -s state/exits
        kill -STOP $server; kill -KILL $serving
        until_is grep -q '^State:.*Z' /proc/$serving/status
        kill -KILL $server; wait $server || true
        serve
        "$runner" status $job | grep ^state
        end
        """;

    [Fact]
    public async Task An_exit_that_found_no_room_is_written_down_when_there_is_some_and_survives_the_keeper()
    {
        var (lines, _) = await RunAsync(ExitFindsNoRoom);
        Assert.Equal(["state    ended: exited with code 7"], lines);
    }

    // Without inodes a stream's file cannot be made.
    private const string InodesAreUsedUp = """
        disk 64m ,nr_inodes=64
        serve --disk-reserve 0
        job=$("$runner" start -- sh -c 'until [ -e go ]; do sleep 0.05; done; echo late')
        i=0; while : >state/file$i; do i=$((i + 1)); done 2>/dev/null || true
        : >go
        until_has err 'held back'
        rm state/file*
        "$runner" logs $job
        "$runner" status $job | grep ^state
        end
        rm -rf state/jobs; i=0; while : >state/file$i; do i=$((i + 1)); done 2>/dev/null || true
        rm state/file0 state/file1 state/file2 state/file3
        serve
        "$runner" start -- true 2>refusal || echo refused $?
        end
        """;

    [Fact]
    public async Task A_disk_without_inodes_is_full_too()
    {
        var (lines, refusal) = await RunAsync(InodesAreUsedUp);
        Assert.Equal(["late", "state    ended: exited with code 0", "refused 125"], lines);
        Assert.Matches("is nearly full: [0-9] inodes free, 3 are kept for the ends of jobs", refusal);
    }

    // While a server runs the kernel refuses to make its disk read-only, as files are open for writing.
    private const string DiskIsReadOnly = """
        disk 16m
        serve
        job=$("$runner" start -- echo kept); "$runner" wait $job
        mount -o remount,ro state 2>/dev/null || echo busy
        end
        mount -o remount,ro state
        "$runner" serve --listen 127.0.0.1:0 --cert certs/server.pem --state-dir state --cgroup "$cgroup" 2>refusal || echo refused $?
        mount -o remount,rw state
        serve
        "$runner" logs $job
        end
        """;

    [Fact]
    public async Task A_disk_that_cannot_be_written_to_is_refused_and_nothing_is_lost_by_it()
    {
        var (lines, refusal) = await RunAsync(DiskIsReadOnly);
        Assert.Equal(["busy", "refused 14", "kept"], lines);
        Assert.EndsWith("/state: its file system is read-only; mount it to be written to, or name another folder\n", refusal, StringComparison.Ordinal);
    }

    private static async Task<(string[] Lines, string Refusal)> RunAsync(string script)
    {
        using var folder = new TemporaryFolder();
        await using var cgroup = new OwnCgroup();
        var ran = await OwnNamespaces.RunAsync(Before + script, [RunnerBinary.Path, folder.Path, cgroup.Name]);
        var refusal = File.Exists(folder.At("refusal")) ? await File.ReadAllTextAsync(folder.At("refusal"), TestContext.Current.CancellationToken) : "";
        if (ran.Code != 0) Assert.Fail($"{ran.Code}: {ran.Output}{ran.Error}{await File.ReadAllTextAsync(folder.At("err"), TestContext.Current.CancellationToken)}");
        return (ran.Output.TrimEnd('\n').Split('\n'), refusal);
    }
}
