using System.CommandLine;
using Runner.Certificates;

namespace Runner.Cli;

/// <summary>`runner certs`: makes and shows certificates; everything below it works without a server.</summary>
static class CertsCommand
{
    public static Command Create() =>
        new("certs", "Make and show the certificates that servers and clients know each other by.")
        {
            CertsInitCommand.Create(),
            CertsClientCommand.Create(),
            CertsServerCommand.Create(),
            CertsShowCommand.Create(),
        };

    public static Option<string> Folder() => new("--dir")
    {
        Description = "The folder with the authorities and certificates.",
        HelpName = "DIR",
        DefaultValueFactory = _ => "/etc/runner",
    };

    public static Option<int> Days()
    {
        var days = new Option<int>("--days")
        {
            Description = "How many days the certificates are good for.",
            HelpName = "N",
            DefaultValueFactory = _ => CertificateAuthority.LeafDays,
        };
        days.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && (!int.TryParse(result.Tokens[0].Value, out var value) || value is < 1 or > CertificateAuthority.AuthorityDays))
                result.AddError($"--days takes a whole number from 1 to {CertificateAuthority.AuthorityDays}, not '{result.Tokens[0].Value}'");
        });
        return days;
    }

    public static Option<string[]> Hosts()
    {
        var hosts = new Option<string[]>("--host")
        {
            Description = "A host name or address that clients call the server by; may be given several times. This machine's name and localhost are always included.",
            HelpName = "NAME|IP",
            DefaultValueFactory = _ => [],
        };
        hosts.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => !HostNames.IsHost(token.Value)))
                result.AddError($"--host takes a host name or an IP address, not '{token.Value}'");
        });
        return hosts;
    }

    public static Option<string> Name(string description)
    {
        var name = new Option<string>("--name") { Description = description, HelpName = "NAME", Required = true };
        name.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !CertificateFolder.IsName(result.Tokens[0].Value))
                result.AddError(CertificateFolder.InvalidName(result.Tokens[0].Value));
        });
        return name;
    }

    /// <summary>Runs what a command does; a problem becomes one line on stderr and an exit code.</summary>
    public static int Run(ParseResult parsed, ExitCode whenWrong, Action<TextWriter> act)
    {
        try
        {
            act(parsed.InvocationConfiguration.Output);
            return (int)ExitCode.Ok;
        }
        catch (CertificateProblem problem)
        {
            parsed.InvocationConfiguration.Error.Say(problem.Message);
            return (int)whenWrong;
        }
    }
}
