using System.CommandLine;
using Runner.Client;

namespace Runner.Cli;

/// <summary>The options of every command that calls a server.</summary>
sealed class ClientOptions
{
    private readonly Option<string?> _server = new("--server") { Description = "Server to call (RUNNER_SERVER; default 127.0.0.1:7443).", HelpName = "HOST:PORT" };
    private readonly Option<string?> _certificate = new("--cert") { Description = "Client certificate (RUNNER_CERT).", HelpName = "FILE" };
    private readonly Option<string?> _key = new("--key") { Description = "Its key, where it is in another file (RUNNER_KEY).", HelpName = "FILE" };
    private readonly Option<string?> _authority = new("--ca") { Description = "Authority the server must be vouched for by (RUNNER_CA).", HelpName = "FILE" };

    private readonly Option<string?> _reconnect = new("--reconnect") { Description = "How long to wait for a server that goes away during a call, and go on where it was when it comes back; 0: not at all (default: 5m).", HelpName = "TIME" };

    // A machine that is booted is back by then.
    private static readonly TimeSpan s_usualReconnect = TimeSpan.FromMinutes(5);

    public void AddTo(Command command)
    {
        foreach (var option in new[] { _server, _certificate, _key, _authority, _reconnect }) command.Options.Add(option);
    }

    /// <exception cref="BadOptionException">No time.</exception>
    public TimeSpan Reconnect(ParseResult parsed) =>
        parsed.GetValue(_reconnect) is { } given ? Quantities.Span(_reconnect.Name, given) : s_usualReconnect;

    public ClientProfile Resolve(ParseResult parsed) => ClientProfile.Resolve(new ClientFlags(
        parsed.GetValue(_server), parsed.GetValue(_certificate), parsed.GetValue(_key), parsed.GetValue(_authority)));
}
