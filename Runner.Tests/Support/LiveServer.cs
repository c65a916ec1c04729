using System.Net;
using System.Text.Json;
using Runner.Client;

namespace Runner.Tests.Support;

/// <summary>
/// A server of the published program with a folder, certificates, a port and a cgroup subtree of its own. Its end is a
/// test too: it leaves with code 0, its cgroups are gone, and its log holds no problem that was not expected.
/// </summary>
public sealed class LiveServer : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly OwnCgroup _cgroup = new();

    // What the platform says when a connection is cut in the middle of a write, as in a planned stop to a client that does not read.
    private readonly List<string> _expected = ["This method may not be called when another write operation is pending"];
    private ChildProcess? _process;

    /// <summary>What serves from the next start on: the published program, or a copy of it.</summary>
    public string Program { get; set; } = RunnerBinary.Path;

    /// <summary>Where it listens, to be set before the first start; a port other than 0 stays the same from one start to the next.</summary>
    public IPEndPoint Listen { get; set; } = new(IPAddress.Loopback, 0);

    public string CgroupName => _cgroup.Name;
    public string Folder => _folder.Path;
    public string State => _folder.At("state");
    public string Address { get; private set; } = "";

    /// <summary>Everything this server and those before it on the same folder told the log.</summary>
    public string Log => _earlier + _process?.Error;
    /// <summary>The process that was started: the keeper, or what stands for one that is to outlive it, or the server itself if it has none.</summary>
    public int ForegroundId => _process!.Id;

    /// <summary>The keeper, or the server itself if it has none.</summary>
    public int KeeperId => _leaves ? KeptServer.LastingKeeperOf(State) : ForegroundId;

    /// <summary>The server's process, which is another one after a crash.</summary>
    public int Id => _hasKeeper ? KeptServer.Of(KeeperId) : KeeperId;

    private string _earlier = "";
    private bool _hasKeeper, _leaves;

    public async ValueTask InitializeAsync()
    {
        string[] host = Listen.Address.Equals(IPAddress.Loopback) ? [] : ["--host", $"{Listen.Address}"];
        (await RunnerBinary.RunAsync(["certs", "init", "--dir", At("certs"), .. host])).Expect(0);
        await ServeAsync();
    }

    /// <summary>Starts the server, again or for the first time, on the same state.</summary>
    public Task ServeAsync(params string[] options) => ServeAsync([], options);

    /// <summary>The same by way of another program, which executes what follows its own words.</summary>
    public async Task ServeAsync(string[] way, string[] options)
    {
        (_hasKeeper, _leaves) = (!options.Contains("--no-keeper"), options.Contains("leave"));
        string[] words = [.. way, Program, .. ServeArguments(options)];
        _process = ChildProcess.Start(words[0], words[1..], RunnerBinary.Surroundings());
        await _process.OutputHasAsync("\n");
        Assert.StartsWith("listening on ", _process.Output, StringComparison.Ordinal);
        Address = _process.Output["listening on ".Length..].TrimEnd('\n');
    }

    public string[] ServeArguments(params string[] options) =>
        ["serve", "--listen", $"{Listen}", "--cert", At("certs/server.pem"), "--state-dir", State, "--cgroup", CgroupName, .. options];

    public string At(string name) => _folder.At(name);

    /// <summary>Lets the log have problems with these words.</summary>
    public void Expect(string words) => _expected.Add(words);

    public async Task AddClientAsync(string name, string role) =>
        (await RunnerBinary.RunAsync("certs", "client", "--dir", At("certs"), "--name", name, "--role", role)).Expect(0);

    public Dictionary<string, string> Environment(string name = "admin") => RunnerBinary.Surroundings(
        ("RUNNER_SERVER", Address), ("RUNNER_CERT", At($"certs/{name}.pem")), ("RUNNER_CA", At("certs/server-ca.pem")));

    /// <summary>Calls this server as its administrator, to the command's end.</summary>
    public Task<Ran> RunnerAsync(params string[] args) => AsAsync("admin", args);

    public Task<Ran> AsAsync(string name, params string[] args) => ChildProcess.RunAsync(RunnerBinary.Path, args, Environment(name));

    /// <summary>The same, and returns while the command runs.</summary>
    public ChildProcess Begin(params string[] args) => ChildProcess.Start(RunnerBinary.Path, args, Environment());

    /// <summary>The typed client in this process, for many calls over one connection.</summary>
    internal RunnerClient Connect(Reconnection? reconnection = null) =>
        new(new ClientProfile(new Uri($"https://{Address}"), At("certs/admin.pem"), null, At("certs/server-ca.pem")), reconnection);

    /// <summary>Starts a job with the words that follow `start`; returns its UUID.</summary>
    public async Task<string> StartAsync(params string[] words) => (await RunnerAsync(["start", .. words])).Expect(0).Output.TrimEnd('\n');

    public Task<string> ShellAsync(string script) => StartAsync("--", "sh", "-c", script);

    public async Task<JsonElement> StatusAsync(string job)
    {
        using var document = JsonDocument.Parse((await RunnerAsync("status", "--json", job)).Expect(0).Bytes);
        return document.RootElement.Clone();
    }

    /// <summary>Waits for a job's end and returns its status then.</summary>
    public async Task<JsonElement> EndAsync(string job)
    {
        (await RunnerAsync("logs", job)).Expect(0);
        var status = await StatusAsync(job);
        Assert.Equal("ended", status.GetProperty("state").GetString());
        return status;
    }

    /// <summary>Waits until the output of a job that a former server left can be verified, which it can be soon after the start.</summary>
    public async Task VerifiedAsync(string job)
    {
        await Until.SoAsync(async () =>
        {
            var ran = await RunnerAsync("verify", job);
            if (ran.Code == 0) return true;
            Assert.Contains("there is no digest yet", ran.Expect(1).Output, StringComparison.Ordinal);
            return false;
        }, $"job {job} has a digest");
    }

    /// <summary>Replaces the server, and its keeper, by what is <see cref="Program"/> now; returns when there is another one, which may not answer yet.</summary>
    public async Task BeginReloadAsync()
    {
        var before = Id;
        Signal(ChildProcess.SigHup);
        await Until.SoAsync(() => Id != before, "there is another server");
    }

    /// <summary>The same; returns when it answers calls.</summary>
    public async Task ReloadAsync()
    {
        await BeginReloadAsync();
        (await RunnerAsync("list")).Expect(0);
    }

    /// <summary>A job that says "one", waits until there is a file, says "two" and ends with a code; returned when it has said the first.</summary>
    /// <param name="go">The file's name in this server's folder.</param>
    /// <param name="code">The code.</param>
    public async Task<string> GatedAsync(string go, int code)
    {
        var job = await StartAsync("--", "sh", "-c", "echo one; while [ ! -e \"$1\" ]; do sleep 0.02; done; echo two; exit $2", "sh", At(go), $"{code}");
        await using var follower = Begin("logs", job);
        await follower.OutputHasAsync("one\n");
        return job;
    }

    /// <summary>Lets such a job end.</summary>
    public Task GoAsync(string go) => File.WriteAllTextAsync(At(go), "", TestContext.Current.CancellationToken);

    /// <summary>Waits for its end, which is its own, and for all that it says.</summary>
    public async Task GatedEndsAsync(string job, int code)
    {
        var end = (await EndAsync(job)).GetProperty("end");
        Assert.Equal(("exited", code), (end.GetProperty("reason").GetString(), end.GetProperty("code").GetInt32()));
        Assert.Equal("one\ntwo\n", (await RunnerAsync("logs", job)).Expect(0).Output);
    }

    /// <summary>A job that counts until there is a file, then says how far it came and ends with a code.</summary>
    public Task<string> CountingAsync(string go, int code) =>
        StartAsync("--", "sh", "-c", "i=0; while [ ! -e \"$1\" ]; do echo line $i; i=$((i+1)); sleep 0.001; done; echo $i lines; exit $2", "sh", At(go), $"{code}");

    /// <summary>Waits for its end, and for each of its lines once and in order; returns how many.</summary>
    public async Task<int> CountingEndsAsync(string job, int code)
    {
        Assert.Equal(code, (await EndAsync(job)).GetProperty("end").GetProperty("code").GetInt32());
        var lines = (await RunnerAsync("logs", job)).Expect(0).Output.TrimEnd('\n').Split('\n');
        Assert.Equal([.. Enumerable.Range(0, lines.Length - 1).Select(i => $"line {i}"), $"{lines.Length - 1} lines"], lines);
        return lines.Length;
    }

    /// <summary>The planned stop.</summary>
    public async Task StopAsync()
    {
        _process!.Signal(ChildProcess.SigTerm);
        var ran = (await _process.EndAsync()).Expect(0);
        Assert.Empty(Cgroups());
        AssertNoProblem(ran);
        await ForgetAsync();
    }

    private void AssertNoProblem(Ran ran)
    {
        // Every other level is a problem, and so is a line that is no log line at all, such as one of a stack trace.
        var problems = ran.Error.Split('\n').Where(line => line.Length > 0
            && !line.Contains("Z info: ", StringComparison.Ordinal) && !line.Contains("Z debug: ", StringComparison.Ordinal)
            && !line.Contains("the next runner serve on this state directory takes", StringComparison.Ordinal));
        var unexpected = problems.Where(line => !_expected.Any(words => line.Contains(words, StringComparison.Ordinal))).ToList();
        if (unexpected.Count > 0) Assert.Fail($"unexpected in the server's log:\n{string.Join('\n', unexpected)}");
    }

    /// <summary>The planned stop of one that leaves its jobs, and their cgroups with them.</summary>
    public async Task<Ran> LeaveAsync()
    {
        var ran = await StopAsync(0);
        AssertNoProblem(ran);
        return ran;
    }

    /// <summary>A planned stop that leaves things behind, and ends with a code.</summary>
    public async Task<Ran> StopAsync(int code)
    {
        _process!.Signal(ChildProcess.SigTerm);
        var ran = (await _process.EndAsync()).Expect(code);
        await ForgetAsync();
        return ran;
    }

    /// <summary>Ends it as a crash would, and its keeper with it.</summary>
    public async Task CrashAsync()
    {
        // Neither is to see the other go.
        if (_hasKeeper)
        {
            _process!.Signal(ChildProcess.SigStop);
            KillServer();
        }
        _process!.Signal(ChildProcess.SigKill);
        (await _process.EndAsync()).Expect(128 + ChildProcess.SigKill);
        await ForgetAsync();
    }

    /// <summary>Kills the server alone; returns when it is dead.</summary>
    public void KillServer() => KeptServer.Kill(Id);

    /// <summary>Puts another file with the same program in the place of <see cref="Program"/>, which is to be a copy.</summary>
    public async Task ReplaceProgramAsync() =>
        // By another process: one that is forked here meanwhile would hold the copy open for writing, and it could not be executed.
        (await ChildProcess.ShellAsync("cp \"$1\" \"$2.new\" && mv \"$2.new\" \"$2\"", RunnerBinary.Path, Program)).Expect(0);

    /// <summary>Sends the process in the foreground a signal: the keeper, or what passes it on.</summary>
    public void Signal(int signal) => _process!.Signal(signal);

    /// <summary>Waits until the log has some words.</summary>
    public Task LogHasAsync(string words) => _process!.ErrorHasAsync(words);

    /// <summary>Kills the process that was started, alone: the keeper, or what stands for it; returns when the server has ended too, by itself.</summary>
    public async Task KillForegroundAsync()
    {
        _process!.Signal(ChildProcess.SigKill);
        AssertNoProblem((await _process.EndAsync()).Expect(128 + ChildProcess.SigKill)); // and the end of its streams, which the server has too
        await ForgetAsync();
    }

    /// <summary>This server's directories in the hierarchies of this machine.</summary>
    public IEnumerable<string> Cgroups() => _cgroup.Directories();

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_process is not null) await StopAsync();
        }
        finally
        {
            if (_process is not null) await ForgetAsync();
            await EndLeftAsync();
            await _cgroup.DisposeAsync();
            _folder.Dispose();
        }
    }

    /// <summary>Ends a keeper that a test which failed has left behind.</summary>
    private async Task EndLeftAsync()
    {
        if (!File.Exists(Path.Combine(State, "keeper.sock"))) return;
        await ServeAsync();
        Signal(ChildProcess.SigTerm);
        await _process!.EndAsync();
        await ForgetAsync();
    }

    private async Task ForgetAsync()
    {
        if (_process is null) return;
        _earlier += _process.Error;
        await _process.DisposeAsync();
        _process = null;
    }
}
