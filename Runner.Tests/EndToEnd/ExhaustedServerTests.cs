using System.Globalization;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>A server at the end of what its machine gives it: it says which, stays up, and goes on when there is more.</summary>
public sealed class ExhaustedServerTests : IAsyncLifetime
{
    private readonly LiveServer _server = new();
    private readonly OwnCgroup _cgroup = new();

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _server.DisposeAsync();
        }
        finally
        {
            await _cgroup.DisposeAsync();
        }
    }

    [Fact]
    public async Task Without_descriptors_a_start_is_refused_at_whichever_step_lacks_one_and_jobs_still_end()
    {
        const string Sentence = "Too many open files; the server may open no more files (ulimit -n); try again when a job has ended\n";
        var job = await _server.StartAsync("--memory", "64M", "--", "sleep", "1000");
        var before = await ServerTraces.SettledAsync(_server);
        // The limit is on numbers, not on how many there are: what counts is the lowest one that is free.
        var open = Enumerable.Range(0, 1000).First(number => !Path.Exists($"/proc/{_server.Id}/fd/{number}") && new FileInfo($"/proc/{_server.Id}/fd/{number}").LinkTarget is null);

        // One for the connection, and one more each time for the start itself, until it has them all.
        var (steps, left) = (new HashSet<string>(), 1);
        for (; left < 30; left++)
        {
            await LimitFilesAsync(open + left);
            var ran = await _server.RunnerAsync("start", "--memory", "64M", "--", "true");
            if (ran.Code == 0) break;
            Assert.EndsWith(Sentence, ran.ExpectRefusal(125, "runner: ").Error, StringComparison.Ordinal);
            steps.Add(ran.Error.Split(' ')[1]);
        }
        Assert.InRange(left, 5, 29);
        Assert.InRange(steps.Count, 2, 30);

        // SIGTERM takes some descriptors, a kill takes one.
        _server.Expect("could not be told to end and will be killed after its grace period");
        _server.Expect("could not be accounted for and will be tried again");
        await LimitFilesAsync(open + 1);
        (await _server.RunnerAsync("status", job)).ExpectRefusal(125, Sentence);
        await Until.SoAsync(() => new FileInfo($"/proc/{_server.Id}/fd/{open}").LinkTarget is null, "the connection of that caller is closed");
        await LimitFilesAsync(open + 2);
        Assert.Contains("stopped by admin", (await _server.RunnerAsync("stop", "--grace", "100ms", job)).Expect(0).Output, StringComparison.Ordinal);

        await LimitFilesAsync(1000);
        (await _server.RunnerAsync("run", "--memory", "64M", "--", "true")).Expect(0);
        var again = await _server.StartAsync("--memory", "64M", "--", "sleep", "1000");
        await ServerTraces.AssertAsBeforeAsync(_server, before with { Cgroups = [.. before.Cgroups.Select(folder => folder.Replace(job, again, StringComparison.Ordinal))] }, growth: 32 << 20);
        (await _server.RunnerAsync("stop", again)).Expect(0);

        async Task LimitFilesAsync(int files) =>
            (await ChildProcess.ShellAsync("prlimit --pid \"$1\" --nofile=\"$2\":", $"{_server.Id}", $"{files}")).Expect(0);
    }

    [Fact]
    public async Task With_few_descriptors_from_the_start_no_more_jobs_run_than_it_can_look_after()
    {
        await _server.StopAsync();
        // The server raises its own soft limit to the hard one, so that is what counts.
        await _server.ServeAsync(["prlimit", "--nofile=20:48"], []);
        var first = await _server.StartAsync("--", "sleep", "1000");
        await _server.StartAsync("--", "sleep", "1000");
        (await _server.RunnerAsync("start", "--", "true")).ExpectRefusal(125, "runner: 2 jobs run already, the most this server's open files allow (ulimit -n); try again when one has ended\n");
        (await _server.RunnerAsync("stop", first)).Expect(0);
        (await _server.RunnerAsync("run", "--", "true")).Expect(0);
    }

    [Fact]
    public async Task Without_processes_a_start_is_refused_and_the_server_goes_on()
    {
        var folder = MakeCgroup("pids");
        await MoveAsync(folder);
        (await _server.RunnerAsync("run", "--", "true")).Expect(0);
        var before = await ServerTraces.SettledAsync(_server);

        // No room for a single one, whichever threads of the server's come and go.
        await File.WriteAllTextAsync($"{folder}/pids.max", "1", Token);
        var starts = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _server.RunnerAsync("start", "--", "true")));
        Assert.All(starts, ran => ran.ExpectRefusal(
            125, "runner: clone3: Resource temporarily unavailable; no more processes fit into the server's cgroup or this machine (pids.max, threads-max); try again when some have ended\n"));
        (await _server.RunnerAsync("list")).Expect(0);

        await File.WriteAllTextAsync($"{folder}/pids.max", "max", Token);
        Assert.Equal("again\n", (await _server.RunnerAsync("run", "--", "echo", "again")).Expect(0).Output);
        await ServerTraces.AssertAsBeforeAsync(_server, before, growth: 32 << 20);
        Assert.Single(Directory.GetDirectories($"{_server.State}/jobs")); // of the one that wrote something
        await LeaveAsync();
    }

    [Fact]
    public async Task Where_all_jobs_together_lack_memory_the_hungry_one_dies_and_the_server_goes_on()
    {
        var file = _server.Cgroups().Select(folder => $"{folder}/memory.limit_in_bytes").FirstOrDefault(File.Exists)
            ?? _server.Cgroups().Select(folder => $"{folder}/memory.max").FirstOrDefault(File.Exists);
        Assert.SkipWhen(file is null, "there is no memory controller");
        await File.WriteAllTextAsync(file, "8M", Token);
        var patient = await _server.StartAsync("--", "sleep", "1000");
        var hungry = await _server.StartAsync("--", "tail", "/dev/zero");
        Assert.Equal("out-of-memory", (await _server.EndAsync(hungry)).GetProperty("end").GetProperty("reason").GetString());
        Assert.Equal("running", (await _server.StatusAsync(patient)).GetProperty("state").GetString());
        Assert.Equal("small\n", (await _server.RunnerAsync("run", "--", "echo", "small")).Expect(0).Output);
        (await _server.RunnerAsync("stop", patient)).Expect(0);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A cgroup of the test's own, with a controller, for the server itself.</summary>
    private string MakeCgroup(string controller)
    {
        var root = Directory.Exists($"/sys/fs/cgroup/{controller}") ? $"/sys/fs/cgroup/{controller}" : "/sys/fs/cgroup";
        var folder = Directory.CreateDirectory($"{root}/{_cgroup.Name}").FullName;
        Assert.SkipUnless(File.Exists($"{folder}/{controller}.max"), $"there is no {controller} controller");
        return folder;
    }

    /// <summary>The cgroup goes when the server has left it.</summary>
    private async Task LeaveAsync()
    {
        foreach (var folder in _cgroup.Directories())
            await MoveAsync(Path.GetDirectoryName(folder)!);
    }

    /// <summary>Puts server and keeper there.</summary>
    private async Task MoveAsync(string folder)
    {
        foreach (var process in new[] { _server.KeeperId, _server.Id })
            await File.WriteAllTextAsync($"{folder}/cgroup.procs", process.ToString(CultureInfo.InvariantCulture), Token);
    }
}
