using System.CommandLine;
using Runner.Access;
using Runner.Certificates;

namespace Runner.Cli;

/// <summary>`runner certs client`: a certificate for one person or machine, with a role.</summary>
static class CertsClientCommand
{
    public static Command Create()
    {
        var (folder, days) = (CertsCommand.Folder(), CertsCommand.Days());
        var name = CertsCommand.Name("Who it is for; the server knows its jobs' owner by it. Becomes NAME.pem.");
        var role = new Option<string>("--role") { Description = $"What it entitles to: {Roles.Valid}.", HelpName = "ROLE", Required = true };
        role.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !Roles.TryParse(result.Tokens[0].Value, out _))
                result.AddError($"--role takes {Roles.Valid}, not '{result.Tokens[0].Value}'");
        });
        var command = new Command("client", "Make a client certificate, signed by the folder's client authority.") { folder, name, role, days };
        command.SetAction(parsed => CertsCommand.Run(parsed, ExitCode.Failed, output =>
        {
            var certificates = new CertificateFolder(parsed.GetRequiredValue(folder));
            _ = Roles.TryParse(parsed.GetRequiredValue(role), out var granted);
            var path = certificates.AddClient(parsed.GetRequiredValue(name), granted, parsed.GetRequiredValue(days));
            output.WriteLine($"""
                wrote {path}

                Give {parsed.GetRequiredValue(name)} this file and {certificates.At(CertificateFolder.ServerAuthority)}, to be kept as
                ~/.config/runner/client.pem and ~/.config/runner/server-ca.pem; the server's HOST:PORT goes into ~/.config/runner/server.
                """);
        }));
        return command;
    }
}
