using System.CommandLine;
using Runner.Certificates;
using Runner.Client;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>What every command that calls a server has in common: its options, and one sentence and an exit code when it fails.</summary>
static class ClientCommand
{
    /// <param name="command">Gets the client's options and the action.</param>
    /// <param name="act">What it does; its answer is the exit code.</param>
    /// <param name="inOptions">Says in the command's options what is wrong with a field of the API, where it can.</param>
    public static Command Calling(
        this Command command, Func<ParseResult, RunnerClient, CancellationToken, Task<int>> act, Func<JobException, ParseResult, string?>? inOptions = null)
    {
        var options = new ClientOptions();
        options.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                TlsStartup.Prepare();

                // Not disposed of: the process ends with it, and the kernel hangs up faster than a goodbye that nobody waits for.
                var client = new RunnerClient(options.Resolve(parsed), new Reconnection(options.Reconnect(parsed), parsed.InvocationConfiguration.Error.Say));
                return await act(parsed, client, cancellationToken);
            }
            catch (Exception e) when (CodeOf(e) is { } code)
            {
                if (e is not (OperationCanceledException or OutputClosedException { Broken: true }))
                    parsed.InvocationConfiguration.Error.Say(e is JobException failure ? inOptions?.Invoke(failure, parsed) ?? e.Message : e.Message);
                if (e is AmbiguousJobException ambiguous) await parsed.InvocationConfiguration.Error.WriteLineAsync(ambiguous.Candidates);
                return (int)code;
            }
        });
        return command;
    }

    /// <summary>Null: not a failure a user can do anything about, but a bug.</summary>
    public static ExitCode? CodeOf(Exception e) => e switch
    {
        JobException { Error: JobError.BadField or JobError.BadJobId } => ExitCode.BadUsage,
        JobException { Error: JobError.NoSuchJob } => ExitCode.NotFound,
        JobException { Error: JobError.CannotStart, Step: "execve", Errno: ENOENT } => ExitCode.NotFound,
        JobException { Error: JobError.CannotStart or JobError.LimitUnavailable } => ExitCode.CannotStart,
        JobException { Error: JobError.NotAllowed or JobError.AlreadyEnded or JobError.StillRunning or JobError.IdInUse } => ExitCode.Failed,
        JobException or ServerUnreachableException or CertificateProblem => ExitCode.NoServer,
        BadOptionException or AmbiguousJobException or ClientProfileException => ExitCode.BadUsage,
        OutputClosedException { Broken: true } => ExitCode.KilledBySignal + 13, // SIGPIPE
        OutputClosedException => ExitCode.NoServer,
        OperationCanceledException => ExitCode.KilledBySignal + 2, // SIGINT
        _ => null,
    };

    private const int ENOENT = 2;
}
