using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>The product is one static file, and needs nothing beside it.</summary>
public sealed class SingleFileTests
{
    // In a mount namespace of its own: what is mounted here is gone with its last process.
    private const string Script = """
        set -eu
        root=$1 cgroup=$2 chroot=$(command -v chroot)
        mkdir "$root/dev" "$root/proc" "$root/sys"
        mknod -m 666 "$root/dev/urandom" c 1 9
        mount -t proc proc "$root/proc"
        mount -t tmpfs none "$root/sys"
        mkdir -p "$root/sys/fs/cgroup"
        mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
        env -i "$chroot" "$root" /runner serve --listen 127.0.0.1:0 --cert /certs/server.pem --cgroup "$cgroup" >"$root.out" 2>"$root.err" & server=$!
        trap 'kill -KILL $server 2>/dev/null || true' EXIT
        i=0; until grep -q ^listening "$root.out"; do kill -0 $server; i=$((i + 1)); [ $i -lt 5000 ]; sleep 0.02; done
        address=$(sed -n 's/^listening on //p' "$root.out")
        set -- --server "$address" --cert /certs/admin.pem --ca /certs/server-ca.pem
        call() { env -i "$chroot" "$root" /runner "$@"; }
        job=$(call start "$@" --cpu 0.5 --memory 256M --pids 50 --cwd / -- /runner version)
        call logs "$@" $job
        call status "$@" $job | grep ^state
        call run "$@" --cwd / -- /runner status --server 127.0.0.1:1 --cert /certs/admin.pem --ca /certs/server-ca.pem $job || echo "code $?"
        long=$(call start "$@" --grace 2m --cwd / -- /runner serve --listen 127.0.0.1:0 --cert /certs/server.pem --state-dir /second --cgroup "$cgroup-second")
        env -i "$chroot" "$root" /runner logs "$@" -f $long >"$root.logs" & follower=$!
        i=0; until grep -q ^listening "$root.logs"; do kill -0 $follower; i=$((i + 1)); [ $i -lt 5000 ]; sleep 0.02; done
        call stop "$@" $long | head -n 1
        wait $follower
        kill -TERM $server; wait $server; trap - EXIT
        ls -R "$root/dev"
        """;

    [Fact]
    public async Task It_serves_and_calls_and_is_a_job_in_a_folder_with_nothing_but_itself_and_its_certificates()
    {
        using var folder = new TemporaryFolder();
        await using var cgroup = new OwnCgroup();
        var root = folder.At("root");
        Directory.CreateDirectory(root);
        File.Copy(RunnerBinary.Path, $"{root}/runner");
        (await RunnerBinary.RunAsync("certs", "init", "--dir", $"{root}/certs")).Expect(0);

        var ran = (await OwnNamespaces.RunAsync(Script, [root, cgroup.Name])).Expect(0);
        Assert.Equal($"""
            {(await RunnerBinary.RunAsync("version")).Output.TrimEnd('\n')}
            state    ended: exited with code 0
            code 125
            ended: stopped by admin (it exited with code 0)
            {root}/dev:
            urandom

            """, ran.Output);
        Assert.Empty(cgroup.Directories());
        Assert.DoesNotContain(root, await File.ReadAllTextAsync("/proc/self/mountinfo", TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_asks_for_no_interpreter_and_no_library()
    {
        var headers = (await ChildProcess.RunAsync("readelf", ["-W", "-l", "-d", RunnerBinary.Path], RunnerBinary.Surroundings())).Expect(0).Output;
        Assert.Contains("LOAD", headers, StringComparison.Ordinal);
        Assert.DoesNotContain("INTERP", headers, StringComparison.Ordinal);
        Assert.DoesNotContain("NEEDED", headers, StringComparison.Ordinal);
    }
}
