using System.Runtime.InteropServices;
using Runner.Cli;
using Runner.Keeper;
using Runner.Linux.Cgroups;
using Runner.Linux.Native;
using Runner.Linux.Processes;
using Runner.Server;

namespace Runner;

/// <summary>`runner serve` itself: a small process without a network that is parent of the server and of every job.</summary>
static class KeeperProcess
{
    /// <summary>Set for a server, whose standard input is then its line to the keeper.</summary>
    public const string Mark = "RUNNER_KEEPER";

    private const int Subreaper = 36; // PR_SET_CHILD_SUBREAPER, prctl(2), Linux 3.4
    private const int SigChild = 17;
    private const nint SignalDefault = 0;

    private static bool StartedThis => Environment.GetEnvironmentVariable(Mark) is not null;

    /// <summary>`runner serve`: is the keeper, or the server if a keeper started this process or none is wanted.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> ServeAsync(ServeSettings settings, TextWriter output, TextWriter error)
    {
        if (settings.Keeper && !StartedThis) return Run(settings, error);
        await ServerProcess.RunAsync(settings, output, error);
        return (int)ExitCode.Ok;
    }

    /// <summary>The line to the keeper that started this server. Null: there is none.</summary>
    /// <exception cref="InvalidDataException">The keeper has gone meanwhile.</exception>
    public static KeeperLine? Line()
    {
        if (!StartedThis) return null;
        var line = Libc.Duplicate(0);
        if (line.IsInvalid) throw LinuxException.Last("fcntl");
        return new KeeperLine(new MessageSocket(line));
    }

    /// <summary>Runs servers until one ends as planned.</summary>
    /// <returns>That one's exit code.</returns>
    private static int Run(ServeSettings settings, TextWriter error)
    {
        if (settings.CgroupName is null) LeaveJobsRoom();
        _ = Libc.SetSignal(SigChild, SignalDefault);
        if (Libc.ControlProcess(Subreaper, 1, 0, 0, 0) != 0) throw LinuxException.Last("prctl");
        var program = Environment.ProcessPath ?? throw new InvalidOperationException("the path of this program is not known");
        using var output = Libc.Duplicate(1);
        using var errors = Libc.Duplicate(2);
        string[] argv = ["runner", .. Environment.GetCommandLineArgs()[1..]];
        string[] envp = [.. Inherited(), $"{Mark}=1"];
        var directory = Environment.CurrentDirectory;
        using var manager = new ServiceManager(Environment.GetEnvironmentVariable, error.WriteLine);
        using var watch = new ServerWatch(settings.Watchdog, manager, error.WriteLine);
        var supervisor = new ServerSupervisor(
            new JobKeeper(),
            line => new(program, argv, envp, directory, Cgroup: null, Tasks: [], (line.Descriptor, output, errors)),
            watch,
            manager,
            error.WriteLine);
        using var signals = new PassedSignals(supervisor.Signal);
        return supervisor.Run();
    }

    /// <summary>Before the server is started, which then is in the same leaf.</summary>
    private static void LeaveJobsRoom()
    {
        try
        {
            var mounts = CgroupMounts.OfThisProcess();
            Delegation.OfThisProcess(mounts)?.Leave(mounts);
        }
        catch (Exception e) when (e is CgroupsUnavailableException or IOException)
        {
            // The server meets the same and tells it.
        }
    }

    private static IEnumerable<string> Inherited()
    {
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
            if (entry.Key is string name && name is not Mark && !ServiceManager.Variables.Contains(name)) yield return $"{entry.Key}={entry.Value}";
    }

    /// <summary>The signals that are the server's business: a terminal sends them to the keeper alone, as the server has its own session.</summary>
    private sealed class PassedSignals(Action<int> pass) : IDisposable
    {
        private readonly PosixSignalRegistration[] _registrations =
        [
            .. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT }.Select(signal => PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                pass(context.Signal is PosixSignal.SIGHUP ? 1 : 15);
            })),
        ];

        public void Dispose()
        {
            foreach (var registration in _registrations) registration.Dispose();
        }
    }
}
