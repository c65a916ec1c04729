using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>A machine that has never seen the product: played in mount and network namespaces of its own, so that neither
/// this machine's /etc nor its port 7443 are touched.</summary>
public sealed class FirstStartTests
{
    private const string Script = """
        set -eu
        cp -a /etc "$1/etc"; rm -rf "$1/etc/runner"; mount --bind "$1/etc" /etc; mount -t tmpfs none /var/lib; ip link set lo up
        runner=$2 cgroup=$3
        serve() {
            "$runner" serve --cgroup "$cgroup" >"$1.out" 2>"$1.err" & server=$!
            trap 'kill -KILL $server 2>/dev/null || true' EXIT
            i=0; until grep -q ^listening "$1.out"; do kill -0 $server; i=$((i + 1)); [ $i -lt 5000 ]; sleep 0.02; done
        }
        end() { kill -TERM $server; wait $server; trap - EXIT; }
        serve "$1/first"
        job=$("$runner" start -- sh -c 'echo hello; exit 3')
        "$runner" logs $job
        "$runner" status $job | grep state
        stat -c '%a %n' /etc/runner/*key* /etc/runner/admin.pem /etc/runner/server.pem
        sha256sum /etc/runner/* >"$1/before"
        end
        serve "$1/second"
        sha256sum --quiet -c "$1/before"
        "$runner" logs $job
        end
        """;

    [Fact]
    public async Task Serve_with_nothing_configured_makes_certificates_and_root_may_then_call_it_without_a_flag()
    {
        using var folder = new TemporaryFolder();
        await using var cgroup = new OwnCgroup();
        var ran = await OwnNamespaces.RunAsync(Script, [folder.Path, RunnerBinary.Path, cgroup.Name], network: true);
        Assert.Equal("""
            hello
            state    ended: exited with code 3
            600 /etc/runner/client-ca-key.pem
            600 /etc/runner/server-ca-key.pem
            600 /etc/runner/admin.pem
            600 /etc/runner/server.pem
            hello

            """, ran.Expect(0).Output);
        Assert.Empty(cgroup.Directories());
        var told = await File.ReadAllTextAsync(folder.At("first.err"), TestContext.Current.CancellationToken);
        Assert.StartsWith("First start: making certificates in /etc/runner\n", told, StringComparison.Ordinal);
        Assert.DoesNotContain("First start", await File.ReadAllTextAsync(folder.At("second.err"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }
}
