using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Runner.Certificates;
using Runner.Cli;
using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Linux.Native;
using Runner.Linux.Processes;
using Runner.Server;
using Runner.Store;

namespace Runner;

/// <summary>Puts a server together out of its rooms and runs it until it is told to stop.</summary>
static class ServerProcess
{
    /// <summary>Returns after a planned stop: every job has ended and that is stored.</summary>
    /// <param name="settings">How to run.</param>
    /// <param name="output">Gets one line, once calls are answered.</param>
    /// <param name="error">Gets what people should know; the log goes to the process's standard error too.</param>
    /// <exception cref="ServeException">It cannot serve.</exception>
    public static async Task RunAsync(ServeSettings settings, TextWriter output, TextWriter error)
    {
        if (Libc.GetEffectiveUser() != 0)
            throw new ServeException(ExitCode.NotRoot, "serve: needs root, to make cgroups and start jobs; run: sudo runner serve");

        TlsStartup.Prepare();
        var trust = LoadTrust(settings, error);
        var cgroups = OpenCgroups(settings.CgroupName);
        using var store = OpenStore(settings.StateDirectory);
        using var interrupts = new Interrupts();
        using var logging = CreateLogging(settings.Verbose);
        using var launcher = new JobLauncher(cgroups, new OutputFiles(settings.StateDirectory), logging.CreateLogger<JobLauncher>());
        var jobs = new JobRegistry(store, launcher, TimeProvider.System, logging.CreateLogger<JobRegistry>());
        jobs.Recover();

        var server = await StartAsync(settings, trust, jobs, cgroups, logging);
        await using (server)
        {
            await output.WriteLineAsync($"listening on {server.Listening}");
            await output.FlushAsync();
            await interrupts.NextAsync();
            server.AnnounceStop();
            await jobs.ShutdownAsync();
        }
        cgroups.Remove();
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

    private static CgroupTree OpenCgroups(string name)
    {
        try
        {
            return CgroupTree.Open(name);
        }
        catch (CgroupsUnavailableException e)
        {
            throw new ServeException(ExitCode.NoCgroups, $"serve: {e.Message}; runner doctor tells more", e);
        }
    }

    private static SqliteJobStore OpenStore(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return new SqliteJobStore(Path.Combine(directory, "runner.db"));
        }
        catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
        {
            throw new ServeException(ExitCode.BadState, $"serve: --state-dir {directory}: {e.Message}", e);
        }
    }

    private static async Task<RunnerServer> StartAsync(
        ServeSettings settings, ServerTrust trust, JobRegistry jobs, CgroupTree cgroups, ILoggerFactory logging)
    {
        try
        {
            var facts = new ServerFacts(VersionCommand.Version, cgroups.Layout);
            return await RunnerServer.StartAsync(settings.Listen, () => trust, jobs, facts, ServerLimits.OfThisProcess(), logging);
        }
        catch (CannotListenException e)
        {
            throw new ServeException(ExitCode.CannotListen, $"serve: {e.Message}", e);
        }
    }

    private static ILoggerFactory CreateLogging(bool verbose) => LoggerFactory.Create(builder => builder
        .SetMinimumLevel(verbose ? LogLevel.Debug : LogLevel.Information)
        .AddFilter("Microsoft", LogLevel.Warning)
        .AddConsole(options => (options.FormatterName, options.LogToStandardErrorThreshold) = (LogLine.Formatter, LogLevel.Trace))
        .Services.AddSingleton<ConsoleFormatter, LogLine>());
}
