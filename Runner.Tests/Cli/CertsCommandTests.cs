using System.CommandLine;
using System.Text.Json;
using Runner.Cli;
using Runner.Tests.Support;

namespace Runner.Tests.Cli;

public sealed class CertsCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void From_nothing_to_a_client_s_certificate_in_two_commands()
    {
        var (code, output, error) = Run("init", "--dir", _folder.Path, "--host", "build1.example.com", "--host", "10.0.0.7");
        Assert.Equal((0, ""), (code, error));
        Assert.Contains($"wrote {_folder.At("server.pem")}", output);
        Assert.Contains("sudo runner serve --cert", output);

        Assert.Equal(0, Run("client", "--dir", _folder.Path, "--name", "alice", "--role", "writer").Code);
        var shown = Run("show", _folder.At("alice.pem")).Output;
        Assert.Contains("Subject: CN=alice", shown);
        Assert.Contains("Role:    writer", shown);
        Assert.DoesNotContain("PRIVATE", shown);
    }

    [Fact]
    public void What_is_shown_can_be_read_by_machines()
    {
        Run("init", "--dir", _folder.Path, "--days", "30");
        using var json = JsonDocument.Parse(Run("show", _folder.At("admin.pem"), "--json").Output);
        var certificate = Assert.Single(json.RootElement.EnumerateArray());
        Assert.Equal("admin", certificate.GetProperty("role").GetString());
        Assert.Equal("clientAuth", certificate.GetProperty("purposes")[0].GetString());
        Assert.Equal(30, (certificate.GetProperty("notAfter").GetDateTime() - DateTime.UtcNow).TotalDays, 0.01);
    }

    [Fact]
    public void A_second_server_certificate_comes_from_the_same_authority()
    {
        Run("init", "--dir", _folder.Path);
        Assert.Equal(0, Run("server", "--dir", _folder.Path, "--name", "server-2027", "--host", "build2").Code);
        Assert.Contains("Hosts:   build2", Run("show", _folder.At("server-2027.pem")).Output);
    }

    [Fact]
    public void A_second_init_fails_in_one_line()
    {
        Run("init", "--dir", _folder.Path);
        var (code, output, error) = Run("init", "--dir", _folder.Path);
        Assert.Equal(((int)ExitCode.Failed, ""), (code, output));
        Assert.Matches("^runner: .* exists already and is never overwritten; .*\n$", error);
    }

    [Fact]
    public void A_file_that_cannot_be_shown_has_its_exit_code() =>
        Assert.Equal((int)ExitCode.BadCertificate, Run("show", _folder.At("nothing.pem")).Code);

    [Theory]
    [InlineData("client", "--name", "alice", "--role", "king")]
    [InlineData("client", "--name", "../alice", "--role", "user")]
    [InlineData("client", "--name", "admin", "--role", "admin")]
    [InlineData("client", "--role", "user")]
    [InlineData("init", "--host", "a b")]
    [InlineData("init", "--days", "0")]
    [InlineData("init", "--days", "many")]
    [InlineData("init", "--rsa", "1024")]
    public void What_cannot_be_meant_is_refused_before_anything_is_written(params string[] arguments)
    {
        Assert.NotEmpty(Parse([.. arguments, "--dir", _folder.Path]).Errors);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    private static ParseResult Parse(string[] arguments) => new RootCommand { CertsCommand.Create() }.Parse(["certs", .. arguments]);

    private static (int Code, string Output, string Error) Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = Parse(arguments).Invoke(new InvocationConfiguration { Output = output, Error = error });
        return (code, output.ToString(), error.ToString());
    }
}
