using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Runner.Certificates;
using Runner.Cli;
using Runner.Jobs;
using Runner.Keeper;
using Runner.Linux.Cgroups;
using Runner.Linux.Native;
using Runner.Linux.Processes;
using Runner.Output;
using Runner.Server;
using Runner.Store;

namespace Runner;

/// <summary>Puts a server together out of its rooms and runs it until it is told to stop.</summary>
static class ServerProcess
{
    private const uint OthersNothing = 0x3F; // 077

    private const int OomScore = -500; // less than any job
    private const long UsualOutput = 1L << 30;

    // A job holds eight: two pipes, three files, its pidfd, its cgroup's events and OOM notice; and one that says what is kept,
    // once something is given up. A third of all for jobs.
    private const int DescriptorsPerJob = 3 * 8;

    /// <summary>Returns after a planned stop, when every job has ended and that is stored; does not return when it has made way for another server.</summary>
    /// <param name="settings">How to run.</param>
    /// <param name="output">Gets one line, once calls are answered.</param>
    /// <param name="error">Gets what people should know; the log goes to the process's standard error too.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="ServeException">It cannot serve.</exception>
    public static async Task<int> RunAsync(ServeSettings settings, TextWriter output, TextWriter error)
    {
        if (Libc.GetEffectiveUser() != 0)
            throw new ServeException(ExitCode.NotRoot, "serve: needs root, to make cgroups and start jobs; run: sudo runner serve");

        _ = Libc.SetFileModeMask(OthersNothing);
        OwnOomScore.Lower(OomScore);
        TlsStartup.Prepare();
        var trust = LoadTrust(settings, error);
        using var keeper = KeeperProcess.Line();
        using var store = OpenStore(settings.StateDirectory);
        var cgroups = OpenCgroups(settings);
        using (Claim(cgroups))
        {
            using var logging = CreateLogging(settings.Verbose);
            try
            {
                await ServeAsync(settings, trust, store, cgroups, keeper, logging, output);
            }
            finally
            {
                Remove(cgroups, logging.CreateLogger<CgroupTree>());
            }
        }
        return (int)ExitCode.Ok;
    }

    private static async Task ServeAsync(ServeSettings settings, ServerTrust trust, SqliteJobStore store, CgroupTree cgroups, KeeperLine? keeper, ILoggerFactory logging, TextWriter output)
    {
        using var interrupts = new Interrupts();
        WorkerThreads.Prepare();
        var descriptors = OpenFileLimit.Raise();
        cgroups.KeepProcessesForOthers();
        var disk = new StateDisk(settings.StateDirectory, settings.DiskReserve);
        using var launcher = new JobLauncher(cgroups, OpenOutput(settings.StateDirectory, disk), logging.CreateLogger<JobLauncher>(), keeper, MostOutput(settings, disk));
        var jobs = new JobRegistry(store, launcher, Math.Max(1, descriptors / DescriptorsPerJob), TimeProvider.System, logging.CreateLogger<JobRegistry>(), disk);
        Recover(jobs, store, keeper, settings.StateDirectory);

        var removal = new JobRemoval(jobs, store, store, launcher, TimeProvider.System, logging.CreateLogger<JobRemoval>());
        var rules = (settings.Retention ?? RetentionWish.None).On(disk.Look().Bytes);
        await using var server = await StartAsync(settings, trust, jobs, removal, cgroups, ServerLimits.Of(descriptors), keeper, logging);
        await using var retention = new Retention(jobs, store, removal, rules, TimeProvider.System, logging.CreateLogger<Retention>());
        keeper?.TellReady();
        if (keeper is null or { IsFirst: true }) await output.WriteLineAsync($"listening on {server.Listening}");
        await output.FlushAsync();
        await using var digests = new LateDigests(store, launcher, logging.CreateLogger<LateDigests>());

        // What starting up has left behind would stay until the first collection, which an idle server may never see.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        StartupPages.GiveBack();
        var lost = keeper?.Lost ?? new TaskCompletionSource().Task;
        var told = interrupts.Arrived.ReadAsync().AsTask();
        if (await Task.WhenAny(told, lost) == lost) throw WithoutKeeper(cgroups);
        if (await told is Signals.HangUp && keeper is not null) await MakeWayAsync(server, cgroups, logging);
        server.AnnounceStop();

        // Told twice: kills at once. Three times: leaves what still does not end to the next server.
        for (var times = 1; times < 3; times++)
        {
            var stopped = jobs.ShutdownAsync(times == 1 ? settings.StopTimeout : TimeSpan.Zero);
            var first = await Task.WhenAny(stopped, lost, interrupts.NextAsync());
            if (first == stopped) return;
            if (first == lost) throw WithoutKeeper(cgroups);
        }
        throw new ServeException(ExitCode.Failed, "serve: told to stop three times: gone before every job's end was recorded");
    }

    /// <summary>Nobody can say any more how jobs end: the next server tells that they are lost.</summary>
    private static ServeException WithoutKeeper(CgroupTree cgroups)
    {
        cgroups.CleanLeftovers(name => JobId.TryParse(name, out _));
        return new(ExitCode.Failed, "serve: the keeper is gone, so all jobs were killed");
    }

    /// <summary>Leaves the jobs to the next server, as a crash would, but for the calls under way. Does not return.</summary>
    private static async Task MakeWayAsync(RunnerServer server, CgroupTree cgroups, ILoggerFactory logging)
    {
        await server.MakeWayAsync();
        try
        {
            cgroups.Remove();
        }
        catch (LinuxException)
        {
            // There are jobs in it. Without any, perhaps no next server comes.
        }
        logging.Dispose(); // which writes what has not been written yet
        Environment.Exit(ServerSupervisor.MadeWay);
    }

    private static void Recover(JobRegistry jobs, SqliteJobStore store, KeeperLine? keeper, string stateDirectory)
    {
        try
        {
            var life = new ServerLife(ExitFile.ThisBoot(), HadKeeper: keeper is not null);
            var exits = ExitFile.Read(stateDirectory, life.BootId);
            jobs.Recover(life.WhyLost(store.LastLife(), keeperWasThere: keeper is { IsFirst: false }), exits.ToDictionary(exit => exit.Key, exit => new LeftExit(exit.Value.Exit, exit.Value.At, exit.Value.InStop ? new EndCause.Stop(JobEnd.ByServer) : null)));
            store.BeginLife(life);

            // What this keeper holds itself it knows when to clear.
            if (keeper is null) ExitFile.Remove(stateDirectory);
            else foreach (var id in exits.Keys.Except(keeper.Kept.Select(kept => kept.Id))) keeper.ForgetLeft(id);
        }
        catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
        {
            throw new ServeException(ExitCode.BadState, $"serve: --state-dir {stateDirectory}: what a former server left cannot be recorded: {e.Message}", e);
        }
    }

    /// <summary>Only jobs' cgroups are ours to remove; whatever else somebody put there stays.</summary>
    private static void Remove(CgroupTree cgroups, ILogger logger)
    {
        try
        {
            cgroups.Remove();
        }
        catch (LinuxException e)
        {
            logger.CgroupsStay(e.Message);
        }
    }

    private static ServerTrust LoadTrust(ServeSettings settings, TextWriter error)
    {
        try
        {
            var files = ServerFiles.Resolve(
                settings.Certificate, settings.Key, settings.ClientAuthority, ServerFiles.DefaultFolder, error.WriteLine);
            return ServerTrust.Load(files);
        }
        catch (CertificateProblem e)
        {
            throw new ServeException(ExitCode.BadCertificate, $"serve: {e.Message}", e);
        }
    }

    private static CgroupTree OpenCgroups(ServeSettings settings)
    {
        try
        {
            var mounts = CgroupMounts.OfThisProcess();
            if (settings.CgroupName is { } name) return CgroupTree.Open(name, mounts);

            // Left, with controllers passed on in it, systemd could start no next main process in there.
            if (Delegation.OfThisProcess(mounts) is not { } delegated || settings.Leave && delegated.IsInside) return CgroupTree.Open(ServeSettings.CgroupNameFor(settings.StateDirectory), mounts);
            delegated.Leave(mounts);
            return CgroupTree.Open(Delegation.Jobs, mounts, delegated);
        }
        catch (CgroupsUnavailableException e)
        {
            throw new ServeException(ExitCode.NoCgroups, $"serve: {e.Message}; runner doctor tells more", e);
        }
    }

    private static Fd Claim(CgroupTree cgroups)
    {
        try
        {
            return cgroups.Claim();
        }
        catch (CgroupsUnavailableException e)
        {
            throw new ServeException(ExitCode.NoCgroups, $"serve: {e.Message}", e);
        }
    }

    private static SqliteJobStore OpenStore(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

            // Whoever may write there could have put anything in the way of what root is about to create.
            if ((File.GetUnixFileMode(directory) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0 || FileOwner.Of(directory) != 0)
                throw new ServeException(ExitCode.BadState, $"serve: --state-dir {directory}: others may write there; run: chown root {directory} && chmod go-w {directory}");
            if (FileSystemRoom.Of(directory).IsReadOnly)
                throw new ServeException(ExitCode.BadState, $"serve: --state-dir {directory}: its file system is read-only; mount it to be written to, or name another folder");
            return new SqliteJobStore(Path.Combine(directory, "runner.db"));
        }
        catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException or LinuxException)
        {
            throw new ServeException(ExitCode.BadState, $"serve: --state-dir {directory}: {e.Message}", e);
        }
    }

    /// <summary>Bytes to keep of each stream; null: no end. A small disk is not filled by one job that nobody thought about.</summary>
    private static long? MostOutput(ServeSettings settings, StateDisk disk) => settings.MaxOutput switch
    {
        ServeSettings.Unlimited => null,
        { } given => given,
        null => disk.Look().Bytes is > 0 and var bytes ? Math.Clamp(bytes / 20, OutputCap.Least, UsualOutput) : UsualOutput,
    };

    private static OutputFiles OpenOutput(string directory, StateDisk disk)
    {
        try
        {
            return new OutputFiles(directory, disk);
        }
        catch (LinuxException e)
        {
            throw new ServeException(ExitCode.BadState, $"serve: --state-dir {directory}: {e.Message}", e);
        }
    }

    private static async Task<RunnerServer> StartAsync(
        ServeSettings settings, ServerTrust trust, JobRegistry jobs, JobRemoval removal, CgroupTree cgroups, ServerLimits limits, KeeperLine? keeper, ILoggerFactory logging)
    {
        try
        {
            var facts = new ServerFacts(VersionCommand.Version, cgroups.Layout);
            return await RunnerServer.StartAsync(settings.Listen.Value, () => trust, jobs, removal, facts, limits, logging, keeper is null ? null : address => ListeningSocket(keeper, address));
        }
        catch (CannotListenException e)
        {
            throw new ServeException(ExitCode.CannotListen, $"serve: {e.Message}", e);
        }
    }

    /// <summary>The socket of the server before this one, in which connections have been waiting; or a new one, left with the keeper too.</summary>
    private static Socket ListeningSocket(KeeperLine keeper, EndPoint address)
    {
        if (keeper.TakeListeningSocket() is { } kept) return new Socket(kept);
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(address);
        keeper.Keep(socket.SafeHandle);
        return socket;
    }

    private static ILoggerFactory CreateLogging(bool verbose) => LoggerFactory.Create(builder => builder
        .SetMinimumLevel(verbose ? LogLevel.Debug : LogLevel.Information)
        .AddFilter("Microsoft", LogLevel.Warning)
        .AddConsole(options =>
        {
            options.FormatterName = LogLine.Formatter;
            options.LogToStandardErrorThreshold = LogLevel.Trace;

            // Whoever reads the log and stalls must not stop the server; it tells how many lines were lost.
            options.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        })
        .Services.AddSingleton<ConsoleFormatter, LogLine>());
}
