using System.Globalization;
using Runner.Bench.Measuring;
using Runner.Client;
using Runner.Jobs;

namespace Runner.Bench.Programs;

/// <summary>A server of the published program with a folder, certificates, a port and a cgroup subtree of its own.</summary>
sealed class ServedRunner : IDisposable
{
    private readonly string _binary;
    private readonly int? _openFiles;
    private readonly bool _hasKeeper;
    private readonly CgroupPlace _cgroups = new();
    private Child _process;

    /// <param name="binary">The published program.</param>
    /// <param name="openFiles">Most descriptors the server may have; null: as many as any program that is started here.</param>
    /// <param name="hasKeeper">Whether there is one, as by default.</param>
    public ServedRunner(string binary, int? openFiles = null, bool hasKeeper = true)
    {
        (_binary, _openFiles, _hasKeeper) = (binary, openFiles, hasKeeper);
        Folder.MakeCertificates();
        _process = Serve();
    }

    public BenchFolder Folder { get; } = new();

    public string Address { get; private set; } = "";

    /// <summary>The server's own process.</summary>
    public int Id { get; private set; }

    /// <summary>From its exec until it said that calls are answered.</summary>
    public double MillisecondsToReady { get; private set; }

    public string State => Folder.At("state");

    /// <summary>What the command line needs to call this server.</summary>
    public string[] Environment =>
        [$"RUNNER_SERVER={Address}", $"RUNNER_CERT={Folder.Certificate("admin")}", $"RUNNER_CA={Folder.Certificate("server-ca")}"];

    /// <summary>A client in this process, with a connection of its own.</summary>
    public RunnerClient Connect() =>
        new(new ClientProfile(new Uri($"https://{Address}"), Folder.Certificate("admin"), null, Folder.Certificate("server-ca")));

    /// <summary>The command line as a whole process, to its end.</summary>
    public Ran Run(params string[] args) => Child.Run(_binary, args, Environment);

    /// <summary>The command line, with its output to be read.</summary>
    public Child Follow(params string[] args) => Child.Start(_binary, args, Environment, wantsOutput: true, hasInput: false);

    /// <summary>Ends the server and starts it again on the same state.</summary>
    public void Restart(Action between)
    {
        Stop();
        between();
        _process = Serve();
    }

    /// <summary>CPU seconds that all its threads have used, to a hundredth (proc_pid_stat(5)).</summary>
    public double Cpu => Proc.Cpu(Id);

    public Memory Memory => Proc.Memory(Id);

    /// <summary>The keeper's, which is the parent of server and jobs.</summary>
    public Memory KeeperMemory => Proc.Memory(_process.Id);

    /// <summary>Processes that are there for the server beside the jobs.</summary>
    public int Helpers(int jobs) => Proc.Children(_process.Id).Count - jobs + (_hasKeeper ? Proc.Children(Id).Count : 0);

    /// <summary>Starts a job and waits for its end.</summary>
    public static async Task<JobId> RunJobAsync(RunnerClient client, string command, params string[] args)
    {
        var id = JobId.New();
        await client.StartAsync(id, new JobSpec { Command = command, Args = args }, CancellationToken.None);
        await client.WaitAsync(id, CancellationToken.None);
        return id;
    }

    public void Dispose()
    {
        try
        {
            Stop();
        }
        finally
        {
            _process.Dispose();
            _cgroups.Dispose();
            Folder.Dispose();
        }
    }

    private Child Serve()
    {
        string[] words = [_binary, "serve", "--listen", "127.0.0.1:0", "--cert", Folder.Certificate("server"), "--state-dir", State, "--cgroup", _cgroups.Name];
        if (!_hasKeeper) words = [.. words, "--no-keeper"];
        if (_openFiles is { } most) words = ["prlimit", string.Create(CultureInfo.InvariantCulture, $"--nofile={most}:{most}"), .. words];
        var begin = Clock.Now;
        var process = Child.Start(words[0], words[1..], [], wantsOutput: true, hasInput: false);
        const string Ready = "listening on ";
        var line = process.ReadLine();
        MillisecondsToReady = Clock.MillisecondsSince(begin);
        Address = line.StartsWith(Ready, StringComparison.Ordinal) ? line[Ready.Length..] : throw new BenchException($"serve: said {line}");

        // It is ready, so there are no jobs yet, and the server is the only child.
        Id = _hasKeeper ? Proc.Children(process.Id).Single() : process.Id;
        return process;
    }

    private void Stop()
    {
        if (_process.Stop() is not 0 and var status) throw new BenchException($"serve: ended with status {status.ToString(CultureInfo.InvariantCulture)}");
    }
}
