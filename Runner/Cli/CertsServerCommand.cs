using System.CommandLine;
using Runner.Certificates;

namespace Runner.Cli;

/// <summary>`runner certs server`: another server certificate from the same authority, for a new machine or in place of one that runs out.</summary>
static class CertsServerCommand
{
    public static Command Create()
    {
        var (folder, hosts, days) = (CertsCommand.Folder(), CertsCommand.Hosts(), CertsCommand.Days());
        var name = CertsCommand.Name("What the file is called: NAME.pem.");
        var command = new Command("server", "Make a server certificate, signed by the folder's server authority.") { folder, name, hosts, days };
        command.SetAction(parsed => CertsCommand.Run(parsed, ExitCode.Failed, output =>
        {
            var certificates = new CertificateFolder(parsed.GetRequiredValue(folder));
            var path = certificates.AddServer(parsed.GetRequiredValue(name), parsed.GetRequiredValue(hosts), parsed.GetRequiredValue(days));
            output.WriteLine($"""
                wrote {path}

                Serve:  sudo runner serve --cert {path}
                On another machine, {CertificateFolder.ClientAuthority} has to lie beside it. Clients need no change.
                """);
        }));
        return command;
    }
}
