using System.CommandLine;
using Runner.Certificates;

namespace Runner.Cli;

/// <summary>`runner certs init`: two authorities, a server's certificate and an administrator's, in one folder.</summary>
static class CertsInitCommand
{
    public static Command Create()
    {
        var (folder, hosts, days) = (CertsCommand.Folder(), CertsCommand.Hosts(), CertsCommand.Days());
        var rsa = new Option<int?>("--rsa") { Description = "Make RSA keys of this size instead of EC P-256.", HelpName = "BITS" };
        rsa.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.Tokens[0].Value is not ("2048" or "3072" or "4096" or "8192"))
                result.AddError($"--rsa takes 2048, 3072, 4096 or 8192, not '{result.Tokens[0].Value}'");
        });
        var command = new Command("init", "Make both authorities, server.pem and admin.pem. Never overwrites anything.") { folder, hosts, rsa, days };
        command.SetAction(parsed => CertsCommand.Run(parsed, ExitCode.Failed, output =>
        {
            var certificates = new CertificateFolder(parsed.GetRequiredValue(folder));
            foreach (var path in certificates.Initialise(parsed.GetRequiredValue(hosts), parsed.GetValue(rsa), parsed.GetRequiredValue(days)))
                output.WriteLine($"wrote {path}");
            output.WriteLine($"""

                Serve:   sudo runner serve --cert {certificates.At(CertificateFolder.Server)}
                Call:    RUNNER_CERT={certificates.At(CertificateFolder.Admin)} RUNNER_CA={certificates.At(CertificateFolder.ServerAuthority)} runner list
                Others:  runner certs client --dir {parsed.GetRequiredValue(folder)} --name NAME --role ROLE
                Keep {CertificateFolder.ServerAuthorityKey} and {CertificateFolder.ClientAuthorityKey} safe: whoever has them can be anybody. The server needs neither.
                """);
        }));
        return command;
    }
}
