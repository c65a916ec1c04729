using System.Globalization;
using Runner.Cli;
using Runner.Jobs;
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
    private const nint SignalDefault = 0, SignalIgnored = 1;
    private const int OomScore = -900; // less than any job, and than the server

    private static bool StartedThis => Environment.GetEnvironmentVariable(Mark) is not null;

    /// <summary>Whether a keeper of another version asks this program to take its place, and it could not. If it could, it says so (Program.cs).</summary>
    public static bool RefusesTrial()
    {
        var format = Environment.GetEnvironmentVariable(KeeperState.TrialVariable);
        if (format is null) return false;
        if (KeeperState.CanRead(format)) Console.Out.Write(KeeperState.TrialAnswer);
        return !KeeperState.CanRead(format);
    }

    /// <summary>`runner serve`: is the keeper, or the server if a keeper started this process or none is wanted.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> ServeAsync(ServeSettings settings, TextWriter output, TextWriter error)
    {
        if (KeeperState.IsTrial) return (int)ExitCode.Ok; // its words are understood
        BeParent();
        if (LastingKeeper.IsThis) return LastingKeeper.Run(settings);
        if (!StartedThis && FrontProcess.IsCalledFor(settings)) return FrontProcess.Run(settings, error);
        return settings.Keeper && !StartedThis ? Run(settings) : await ServerProcess.RunAsync(settings, output, error);
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

    // Ignored, as a parent may have left it, no child could be waited for.
    private static void BeParent() => _ = Libc.SetSignal(SigChild, SignalDefault);

    /// <summary>Runs servers until one ends as planned.</summary>
    /// <returns>That one's exit code.</returns>
    private static int Run(ServeSettings settings)
    {
        BecomeKeeper();
        var (program, before) = (SelfReplacement.Path(), Before());
        if (before is null && settings.CgroupName is null) LeaveJobsRoom();
        var signals = before?.Signals ?? SignalPipe.Create();
        var hadTerminal = before?.HadTerminal ?? (HasTerminal() && Libc.SetSignal(Signals.HangUp, SignalDefault) != SignalIgnored);
        var jobs = new JobKeeper(new ExitFile(settings.StateDirectory, ExitFile.ThisBoot()), before?.Jobs);
        using var servers = new Servers(program);
        using var errors = Libc.Duplicate(2);
        var log = new KeeperLog(errors);
        using var manager = new ServiceManager(Environment.GetEnvironmentVariable, log.Tell);
        using var watch = new ServerWatch(settings.Watchdog, manager, log.Tell);
        ServerSupervisor? supervisor = null;
        supervisor = new ServerSupervisor(jobs, servers.Order, watch, manager, log.Tell)
        {
            Grace = GraceOf(settings),
            Trial = () => servers.Successor.Try(jobs, KeeperState.Format),
            Replace = again => jobs.Hold(kept =>
                log.Tell($"the keeper stays as it is: {servers.Successor.TakeOver(new(signals, hadTerminal, again, supervisor!.Socket, kept), servers.OfManager)}")),
        };
        if (before is not null) supervisor.Inherit(before.Socket, before.ReloadAgain);
        supervisor.ListenTo("signals", signals.Wait, () =>
        {
            if (signals.Take() is { } signal) supervisor.Signal(signal == Signals.HangUp && hadTerminal && !HasTerminal() ? Signals.Terminate : signal);
            return true;
        });
        signals.Begin();
        return supervisor.Run();
    }

    /// <summary>Orphans of jobs are given to this process, which is to be the last that is killed for want of memory.</summary>
    public static void BecomeKeeper()
    {
        if (Libc.ControlProcess(Subreaper, 1, 0, 0, 0) != 0) throw LinuxException.Last("prctl");
        OwnOomScore.Lower(OomScore);
        OpenFileLimit.Raise();
    }

    /// <summary>How to start a server of these words, whose first stream is its line to a keeper.</summary>
    public static SpawnOrder ServerOrder((Fd Stdin, Fd Stdout, Fd Stderr) streams)
    {
        using var servers = new Servers(SelfReplacement.Path());
        return servers.Order(streams);
    }

    /// <summary>What jobs get in a planned stop that no server ends.</summary>
    public static TimeSpan GraceOf(ServeSettings settings) => settings.StopTimeout < JobSpec.DefaultGracePeriod ? settings.StopTimeout : JobSpec.DefaultGracePeriod;

    /// <summary>What the program that was in this process before has left; null: there was none.</summary>
    public static KeeperState? Before()
    {
        if (Environment.GetEnvironmentVariable(KeeperState.Variable) is not { } number) return null;
        try
        {
            return KeeperState.Read(int.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is FormatException or OverflowException or IOException or InvalidDataException)
        {
            throw new ServeException(ExitCode.Failed, $"serve: {KeeperState.Variable} {number}: is no state of a keeper: {e.Message}", e);
        }
    }

    /// <summary>Not once it is closed, of which SIGHUP tells too (tty(4)).</summary>
    private static bool HasTerminal()
    {
        using var terminal = Libc.Open("/dev/tty", OpenFlags.ReadOnly | OpenFlags.CloseOnExec | OpenFlags.NonBlocking);
        return !terminal.IsInvalid;
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

    /// <summary>This process's settings but for some, as NAME=value.</summary>
    public static IEnumerable<string> InheritedBut(params IEnumerable<string> names)
    {
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
            if (entry.Key is string name && !names.Contains(name)) yield return $"{name}={entry.Value}";
    }

    /// <summary>The program on disk, as what it is started for.</summary>
    private sealed class Servers : IDisposable
    {
        // What is said to one process alone.
        private static readonly string[] s_own = [Mark, LastingKeeper.Mark, FrontProcess.Mark, KeeperState.Variable, KeeperState.TrialVariable, .. ServiceManager.Variables];

        private readonly string _program, _directory = Environment.CurrentDirectory;
        private readonly string[] _words = ["runner", .. Environment.GetCommandLineArgs()[1..]], _settings = [.. InheritedBut(s_own)];
        private readonly Fd _output = Libc.Duplicate(1), _errors = Libc.Duplicate(2);

        public Servers(string program)
        {
            _program = program;
            Successor = new(program, _words, _settings, _directory);
        }

        public Successor Successor { get; }

        /// <summary>What the service manager said to this process.</summary>
        public string[] OfManager { get; } =
            [.. ServiceManager.Variables.Where(name => Environment.GetEnvironmentVariable(name) is not null).Select(name => $"{name}={Environment.GetEnvironmentVariable(name)}")];

        /// <summary>A server, whose line to the keeper this end is.</summary>
        public SpawnOrder Order(MessageSocket line) => Order((line.Descriptor, _output, _errors));

        public SpawnOrder Order((Fd Stdin, Fd Stdout, Fd Stderr) streams) =>
            new(_program, _words, [.. _settings, $"{Mark}=1"], _directory, Cgroup: null, Tasks: [], streams);

        public void Dispose()
        {
            foreach (var fd in new[] { _output, _errors }) fd.Dispose();
        }
    }
}
