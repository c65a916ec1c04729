using System.Diagnostics;
using System.Runtime.CompilerServices;
using Runner.Certificates;
using Runner.Client;
using Runner.Server;
using Runner.Tests.Server;
using Runner.Tests.Support;

namespace Runner.Tests.Certificates;

/// <summary>Runs certs/openssl.sh with the real openssl and talks over what it made.</summary>
public sealed class OpenSslRecipeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CapturedLog _log = new();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData("ec:P-256"), InlineData("ec:P-384"), InlineData("rsa:4096")]
    public async Task Certificates_from_the_recipe_work(string key)
    {
        var made = await RunAsync(key);
        Assert.True(made.ExitCode == 0, made.Error);

        var trust = ServerTrust.Load(ServerFiles.Resolve(_folder.At("server.pem"), null, null, "/nowhere", _ => { }));
        await using var server = await TlsWorld.ServeAsync(listen => listen.UseMutualTls(() => trust, _log));
        foreach (var (file, answer) in (IEnumerable<(string, string)>)
            [("admin", "admin admin"), ("writer", "writer writer"), ("user", "user user"), ("reader", "reader reader"), ("subject-writer", "subject-writer writer")])
        {
            var profile = new ClientProfile(new($"https://127.0.0.1:{server.Port}"), _folder.At(file + ".pem"), null, _folder.At("server-ca.pem"));
            Assert.Equal(answer, await TlsWorld.AskAsync(server, ClientTls.CreateHandler(profile)));
        }
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task The_recipe_names_the_extension_that_is_read() =>
        Assert.Contains($"role_oid={RoleExtension.Oid}\n", await File.ReadAllTextAsync(Recipe(), TestContext.Current.CancellationToken));

    [Fact]
    public async Task The_recipe_overwrites_nothing()
    {
        _folder.Write("client-ca-key.pem", "mine");
        Assert.NotEqual(0, (await RunAsync("ec:P-256")).ExitCode);
        Assert.Equal("mine", await File.ReadAllTextAsync(_folder.At("client-ca-key.pem"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Openssl_finds_our_own_certificates_in_order()
    {
        new CertificateFolder(_folder.Path).Initialise(["build1.example.com"], rsaBits: 2048);
        foreach (var (leaf, authority, purpose) in (IEnumerable<(string, string, string)>)
            [("server.pem", "server-ca.pem", "sslserver"), ("admin.pem", "client-ca.pem", "sslclient")])
        {
            var verified = await RunAsync("openssl", "verify", "-x509_strict", "-CAfile", _folder.At(authority), "-purpose", purpose, _folder.At(leaf));
            Assert.True(verified.ExitCode == 0, verified.Error);
        }
    }

    private Task<(int ExitCode, string Error)> RunAsync(string key) => RunAsync("env", $"KEY={key}", "sh", Recipe(), _folder.Path, "build1.example.com", "10.0.0.7");

    private static async Task<(int ExitCode, string Error)> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output + error);
    }

    private static string Recipe([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "certs", "openssl.sh"));
}
