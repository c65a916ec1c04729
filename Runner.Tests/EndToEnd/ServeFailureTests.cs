using System.Net;
using System.Net.Sockets;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>A server that cannot serve says why in one line and in an exit code of its own, and leaves nothing.</summary>
public sealed class ServeFailureTests(LiveServer server) : IClassFixture<LiveServer>, IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly OwnCgroup _cgroup = new();

    [Fact]
    public async Task Without_root_it_tells_to_use_sudo()
    {
        // Nobody may read neither the build's folders nor this test's own.
        (await ChildProcess.ShellAsync("chmod 755 \"$1\"; cp \"$2\" \"$1/runner\"; chmod 755 \"$1/runner\"", _folder.Path, RunnerBinary.Path)).Expect(0);
        var ran = await ChildProcess.RunAsync(
            "setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", _folder.At("runner"), "serve"], RunnerBinary.Surroundings());
        ran.ExpectRefusal(10, "serve: needs root, to make cgroups and start jobs; run: sudo runner serve");
    }

    [Fact]
    public async Task Without_its_certificate_it_names_the_file() =>
        (await ServeAsync("--cert", _folder.At("none.pem"))).ExpectRefusal(11, $"{_folder.At("none.pem")} does not exist");

    [Fact]
    public async Task With_a_clients_certificate_it_says_what_is_wrong_with_it() =>
        (await ServeAsync("--cert", server.At("certs/admin.pem"))).ExpectRefusal(11, "is not a server certificate");

    [Fact]
    public async Task With_something_that_is_no_certificate_it_says_so() =>
        (await ServeAsync("--cert", _folder.Write("odd.pem", "hello"))).ExpectRefusal(11, "odd.pem");

    [Fact]
    public async Task Without_its_clients_authority_it_names_the_file() =>
        (await ServeAsync("--client-ca", _folder.At("none.pem"))).ExpectRefusal(11, $"{_folder.At("none.pem")} does not exist");

    [Fact]
    public async Task However_fast_the_server_ends_its_keeper_tells_its_code()
    {
        // Many at once, so that a server is over before its keeper has begun all that it does for it.
        var refused = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => ChildProcess.ShellAsync(
            "for i in $(seq 20); do \"$1\" serve --cert \"$2/none.pem\" --state-dir \"$2\" 2>>\"$2/refusals\" || [ $? = 11 ] || { tail -3 \"$2/refusals\"; exit 1; }; done",
            RunnerBinary.Path, _folder.Path)));
        Assert.All(refused, ran => ran.Expect(0));
    }

    [Fact]
    public async Task On_a_busy_port_it_names_the_address()
    {
        using var busy = new TcpListener(IPAddress.Loopback, 0);
        busy.Start();
        var address = busy.LocalEndpoint.ToString()!;
        (await ServeAsync("--listen", address)).ExpectRefusal(12, address);
    }

    [Fact]
    public async Task On_an_address_that_is_not_this_machines_it_names_the_address() =>
        // TEST-NET-1, which is nobody's (RFC 5737).
        (await ServeAsync("--listen", "192.0.2.1:4711")).ExpectRefusal(12, "192.0.2.1:4711");

    [Theory, InlineData("127.0.0.1"), InlineData("127.0.0.1:99999"), InlineData(":1"), InlineData("")]
    public async Task An_address_without_host_or_port_is_refused(string address) =>
        (await ServeAsync("--listen", address)).Expect(2);

    [Fact]
    public async Task A_state_folder_that_another_server_uses_is_refused_and_the_other_goes_on()
    {
        (await ServeAsync("--state-dir", server.State)).ExpectRefusal(14, $"--state-dir {server.State}");
        (await server.RunnerAsync("run", "--", "true")).Expect(0);
    }

    [Fact]
    public async Task A_cgroup_that_another_server_uses_is_refused_and_its_jobs_run_on()
    {
        var job = await server.StartAsync("--", "sleep", "1000");
        (await ServeAsync("--cgroup", server.CgroupName)).ExpectRefusal(13, "another server has its jobs in");
        Assert.Equal("running", (await server.StatusAsync(job)).GetProperty("state").GetString());
        (await server.RunnerAsync("stop", job)).Expect(0);
    }

    [Theory, InlineData("/etc/passwd"), InlineData("/proc/none"), InlineData("/dev/null/state")]
    public async Task A_state_folder_that_cannot_be_one_is_refused(string folder) =>
        (await ServeAsync("--state-dir", folder)).ExpectRefusal(14, $"--state-dir {folder}");

    [Fact]
    public async Task A_state_folder_that_others_may_write_to_is_refused()
    {
        (await ChildProcess.ShellAsync("chmod 1777 \"$1\"", _folder.Path)).Expect(0);
        (await ServeAsync()).ExpectRefusal(14, "others may write there");
    }

    [Fact]
    public async Task A_file_where_output_should_be_kept_is_refused()
    {
        _folder.Write("jobs", "");
        (await ServeAsync()).ExpectRefusal(14, "jobs: Not a directory");
    }

    [Fact]
    public async Task A_state_folder_without_a_name_is_refused() =>
        (await ServeAsync("--state-dir", "")).ExpectRefusal(2, "--state-dir");

    [Fact]
    public async Task A_damaged_database_is_refused_and_left_as_it_is()
    {
        _folder.Write("runner.db", new string('x', 10_000));
        (await ServeAsync()).ExpectRefusal(14, "runner.db");
        Assert.Equal(new string('x', 10_000), await File.ReadAllTextAsync(_folder.At("runner.db"), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("umount -R /sys/fs/cgroup", "no cgroup v2 hierarchy is mounted")]
    [InlineData("mount -t tmpfs none /sys/fs/cgroup", "cgroup")]
    [InlineData("for m in $(grep -o ' /sys/fs/cgroup[^ ]* ' /proc/self/mountinfo); do mount -o remount,ro,bind $m; done", "read-only")]
    public async Task Without_cgroups_it_says_what_is_missing(string hide, string words) =>
        // Hidden from one shell and its children only: the mounts of the machine stay as they are.
        (await OwnNamespaces.RunAsync($"{hide}; exec \"$@\"", [RunnerBinary.Path, .. Arguments()])).ExpectRefusal(13, words);

    [Theory, InlineData("../x"), InlineData("/x")]
    public async Task A_cgroup_that_is_not_below_the_mount_is_refused(string name) =>
        (await ServeAsync("--cgroup", name)).ExpectRefusal(13, $"'{name}'");

    public async ValueTask DisposeAsync()
    {
        _folder.Dispose();
        var left = _cgroup.Directories().ToList();
        await _cgroup.DisposeAsync();
        Assert.Empty(left);
    }

    private Task<Ran> ServeAsync(params string[] options) =>
        ChildProcess.RunAsync(RunnerBinary.Path, Arguments(options), RunnerBinary.Surroundings());

    /// <summary>What would serve, but for the options given.</summary>
    private string[] Arguments(params string[] options)
    {
        var all = new Dictionary<string, string>
        {
            ["--listen"] = "127.0.0.1:0", ["--cert"] = server.At("certs/server.pem"), ["--state-dir"] = _folder.Path, ["--cgroup"] = _cgroup.Name,
        };
        foreach (var pair in options.Chunk(2)) all[pair[0]] = pair[1];
        return ["serve", .. all.SelectMany(option => new[] { option.Key, option.Value })];
    }
}
