using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Runner.Client;
using Runner.Output;
using Runner.Server;

namespace Runner.Cli;

/// <summary>`runner serve`: is the server, until SIGTERM or Ctrl-C ends it and its jobs.</summary>
static class ServeCommand
{
    /// <param name="serve">Runs the server to its end; told where to write that it listens.</param>
    public static Command Create(Func<ServeSettings, TextWriter, TextWriter, Task<int>> serve)
    {
        var listen = new Option<string>("--listen") { Description = "Address to serve; 0.0.0.0:7443 serves other machines too, port 0 takes a free one.", HelpName = "HOST:PORT", DefaultValueFactory = _ => $"127.0.0.1:{ClientProfile.DefaultPort}" };
        var certificate = new Option<string?>("--cert") { Description = "Server certificate (default: the set in /etc/runner, made on first start).", HelpName = "FILE" };
        var key = new Option<string?>("--key") { Description = "Its key (default: in the same file or beside it).", HelpName = "FILE" };
        var authority = new Option<string?>("--client-ca") { Description = "Authority that clients must be vouched for by (default: client-ca.pem beside the certificate).", HelpName = "FILE" };
        var state = new Option<string>("--state-dir") { Description = "Where records and output are kept.", HelpName = "DIR", DefaultValueFactory = _ => ServeSettings.DefaultStateDirectory };
        var cgroup = new Option<string?>("--cgroup") { Description = "Cgroup subtree for the jobs, below the root of each hierarchy (default: in the cgroup that systemd delegated to it, else runner, or one of its own for another state directory).", HelpName = "NAME" };
        var stopTimeout = new Option<string>("--stop-timeout") { Description = "Cuts jobs' grace periods when the server is told to stop; told twice, it kills them at once.", HelpName = "TIME", DefaultValueFactory = _ => "1m" };
        var noKeeper = new Option<bool>("--no-keeper") { Description = "Be the server itself, whose jobs are lost when it dies; else it has a keeper, and another one goes on with its jobs." };
        var maxOutput = new Option<string?>("--max-output") { Description = "Keep at most this much of each output stream of a job, and of jobs that ask for no limit (default: 5% of the disk that --state-dir is on, at most 1G; unlimited: no end).", HelpName = "SIZE" };
        var watchdog = new Option<string>("--watchdog") { Description = "A server that has not answered its keeper for so long is killed and replaced; its jobs go on.", HelpName = "TIME", DefaultValueFactory = _ => "30s" };
        var onStop = new Option<string>("--on-stop") { Description = "What becomes of jobs when the server is told to stop: end-jobs within their grace periods, or leave them running for the next runner serve on the same state directory.", HelpName = "end-jobs|leave", DefaultValueFactory = _ => "end-jobs" };
        var reserve = new Option<string?>("--disk-reserve") { Description = "Room to keep on the disk of the state directory: with less no job is started, with half of it jobs' output waits; 0: none (default: 256M, or 5% of a smaller disk).", HelpName = "SIZE" };
        var retention = new RetentionOptions();
        var verbose = new Option<bool>("--verbose", "-v") { Description = "Log every call." };
        var command = new Command("serve", "Serve jobs on this machine (needs root).") { listen, certificate, key, authority, state, cgroup, stopTimeout, noKeeper, watchdog, onStop, maxOutput, reserve, verbose };
        retention.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            var (output, error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
            try
            {
                var stateDirectory = Folder("--state-dir", parsed.GetRequiredValue(state));
                var settings = new ServeSettings(
                    Endpoint(parsed.GetRequiredValue(listen)), parsed.GetValue(certificate), parsed.GetValue(key), parsed.GetValue(authority),
                    stateDirectory, parsed.GetValue(cgroup),
                    Quantities.Span("--stop-timeout", parsed.GetRequiredValue(stopTimeout)), !parsed.GetValue(noKeeper), Patience("--watchdog", parsed.GetRequiredValue(watchdog)), parsed.GetValue(verbose),
                    parsed.GetValue(reserve) is { } size ? Quantities.Size(reserve.Name, size) : null, retention.Wish(parsed))
                {
                    MaxOutput = parsed.GetValue(maxOutput) is { } most ? MostOutput(maxOutput.Name, most) : null,
                    Leave = Leaves(parsed.GetRequiredValue(onStop), !parsed.GetValue(noKeeper)),
                };
                return await serve(settings, output, error);
            }
            catch (BadOptionException e)
            {
                error.Say(e.Message);
                return (int)ExitCode.BadUsage;
            }
            catch (ServeException e)
            {
                error.Say(e.Message);
                return (int)e.Code;
            }
        });
        return command;
    }

    private static bool Leaves(string onStop, bool keeper) => onStop switch
    {
        "end-jobs" => false,
        "leave" => keeper ? true : throw new BadOptionException("--on-stop leave: needs a keeper, who stays with the jobs"),
        _ => throw new BadOptionException($"--on-stop {onStop}: must be end-jobs or leave"),
    };

    private static TimeSpan Patience(string option, string text) =>
        Quantities.Span(option, text) is var patience && patience >= TimeSpan.FromSeconds(1)
            ? patience
            : throw new BadOptionException($"{option} {text}: must be at least 1s");

    private static string Folder(string option, string path)
    {
        if (path.Length == 0) throw new BadOptionException($"{option}: must name a folder");
        return Path.IsPathRooted(path) ? Path.GetFullPath(path) : Path.GetFullPath(path, JobOptions.CurrentDirectory(option));
    }

    private static long MostOutput(string option, string text) => text is "unlimited" ? ServeSettings.Unlimited
        : Quantities.Size(option, text) is var bytes and >= OutputCap.Least and <= OutputCap.Most ? bytes
        : throw new BadOptionException($"{option} {text}: must be 64K to 1P, or unlimited");

    private static Lazy<IPEndPoint> Endpoint(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text[(colon + 1)..], out var port)) throw new BadOptionException($"--listen {text}: must be HOST:PORT, such as 127.0.0.1:7443 or [::]:7443");
        var host = text[..colon].TrimStart('[').TrimEnd(']');
        return IPAddress.TryParse(host, out var address) ? new(new IPEndPoint(address, port)) : new(() => new(Found(text, host), port));
    }

    private static IPAddress Found(string text, string host)
    {
        try
        {
            if (Dns.GetHostAddresses(host) is [var first, ..]) return first;
        }
        catch (SocketException e)
        {
            throw new BadOptionException($"--listen {text}: {e.Message}");
        }
        throw new BadOptionException($"--listen {text}: {host} has no address");
    }
}

/// <summary>The server cannot serve; the message says why, the code tells scripts.</summary>
sealed class ServeException(ExitCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    public ExitCode Code { get; } = code;
}
