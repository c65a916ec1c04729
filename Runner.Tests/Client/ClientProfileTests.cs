using Runner.Client;
using Runner.Tests.Support;

namespace Runner.Tests.Client;

public sealed class ClientProfileTests
{
    private readonly Dictionary<string, string> _environment = new() { ["HOME"] = "/home/alice" };
    private readonly Dictionary<string, string> _files = [];

    [Fact]
    public void With_nothing_set_root_s_own_machine_works()
    {
        Add("/etc/runner/admin.pem", "/etc/runner/server-ca.pem");
        Assert.Equal(new ClientProfile(new("https://127.0.0.1:7443"), "/etc/runner/admin.pem", null, "/etc/runner/server-ca.pem"), Resolve(new()));
    }

    [Fact]
    public void The_user_s_folder_comes_before_the_machine_s()
    {
        Add("/etc/runner/admin.pem", "/etc/runner/server-ca.pem", "/home/alice/.config/runner/client.pem", "/home/alice/.config/runner/server-ca.pem");
        _files["/home/alice/.config/runner/server"] = "build1:9000\n";
        Assert.Equal(new ClientProfile(new("https://build1:9000"), "/home/alice/.config/runner/client.pem", null, "/home/alice/.config/runner/server-ca.pem"), Resolve(new()));
    }

    [Fact]
    public void Another_configuration_folder_is_honoured()
    {
        _environment["XDG_CONFIG_HOME"] = "/conf";
        Add("/conf/runner/client.pem", "/conf/runner/server-ca.pem");
        Assert.Equal("/conf/runner/client.pem", Resolve(new()).Certificate);
    }

    [Fact]
    public void The_environment_comes_before_the_folders()
    {
        Add("/home/alice/.config/runner/client.pem", "/home/alice/.config/runner/server-ca.pem");
        _environment["RUNNER_SERVER"] = "build2";
        _environment["RUNNER_CERT"] = "/c";
        _environment["RUNNER_KEY"] = "/k";
        _environment["RUNNER_CA"] = "/a";
        Assert.Equal(new ClientProfile(new("https://build2:7443"), "/c", "/k", "/a"), Resolve(new()));
    }

    [Theory, InlineData(""), InlineData(" ")]
    public void A_flag_that_is_there_and_empty_is_not_taken_for_absent(string empty)
    {
        Add("/etc/runner/admin.pem", "/etc/runner/server-ca.pem");
        foreach (var (option, flags) in new[] { ("--server", new ClientFlags(Server: empty)), ("--cert", new(Certificate: empty)), ("--key", new(Key: empty)), ("--ca", new(Authority: empty)) })
            Assert.Equal($"{option}: must not be empty", Assert.Throws<ClientProfileException>(() => Resolve(flags)).Message);
    }

    [Fact]
    public void A_settings_file_that_cannot_be_read_is_told_in_a_sentence()
    {
        using var folder = new TemporaryFolder();
        // Nobody can read what lies at the beginning of a process's memory, not even root.
        File.CreateSymbolicLink(folder.At("server"), "/proc/self/mem");
        Assert.StartsWith($"cannot read {folder.At("server")}: ", Assert.Throws<ClientProfileException>(() => ClientProfile.Read(folder.At("server"))).Message, StringComparison.Ordinal);
        Assert.Null(ClientProfile.Read(folder.At("none")));
    }

    [Fact]
    public void Flags_come_before_everything()
    {
        _environment["RUNNER_SERVER"] = "build2";
        _environment["RUNNER_CERT"] = "/c";
        _environment["RUNNER_CA"] = "/a";
        Assert.Equal(new ClientProfile(new("https://build3:1"), "/flag/c", "/flag/k", "/flag/a"), Resolve(new("build3:1", "/flag/c", "/flag/k", "/flag/a")));
    }

    [Fact]
    public void A_key_from_the_environment_is_never_joined_to_a_certificate_from_a_flag()
    {
        _environment["RUNNER_CERT"] = "/c";
        _environment["RUNNER_KEY"] = "/k";
        Assert.Null(Resolve(new(Certificate: "/flag/c", Authority: "/a")).Key);
    }

    [Fact]
    public void The_authority_may_lie_beside_the_certificate()
    {
        Add("/certs/server-ca.pem");
        Assert.Equal("/certs/server-ca.pem", Resolve(new(Certificate: "/certs/alice.pem")).Authority);
    }

    [Fact]
    public void An_empty_variable_is_not_set()
    {
        Add("/etc/runner/admin.pem", "/etc/runner/server-ca.pem");
        _environment["RUNNER_CERT"] = "";
        _environment["RUNNER_SERVER"] = " ";
        Assert.Equal("/etc/runner/admin.pem", Resolve(new()).Certificate);
    }

    [Fact]
    public void Without_a_certificate_the_error_says_what_to_set() =>
        Assert.Equal("no client certificate; set --cert or RUNNER_CERT, or put one at /home/alice/.config/runner/client.pem",
            Assert.Throws<ClientProfileException>(() => Resolve(new())).Message);

    [Fact]
    public void Without_an_authority_the_error_says_what_to_set() =>
        Assert.StartsWith("no certificate authority to recognise the server by; set --ca or RUNNER_CA",
            Assert.Throws<ClientProfileException>(() => Resolve(new(Certificate: "/c"))).Message);

    [Fact]
    public void A_process_without_a_home_still_has_the_machine_s_folder()
    {
        _environment.Clear();
        Add("/etc/runner/admin.pem", "/etc/runner/server-ca.pem");
        Assert.Equal("/etc/runner/admin.pem", Resolve(new()).Certificate);
    }

    [Theory]
    [InlineData("build1", "https://build1:7443/")]
    [InlineData("build1:80", "https://build1:80/")]
    [InlineData("https://build1", "https://build1:7443/")]
    [InlineData("https://build1:443/", "https://build1/")]
    [InlineData("10.0.0.7", "https://10.0.0.7:7443/")]
    [InlineData("::1", "https://[::1]:7443/")]
    [InlineData("[::1]", "https://[::1]:7443/")]
    [InlineData("[fd00::7]:8000", "https://[fd00::7]:8000/")]
    public void A_server_is_read_as_people_write_it(string text, string address) => Assert.Equal(address, ServerAddress.Parse(text).AbsoluteUri);

    [Theory, InlineData("http://build1"), InlineData("build1/path"), InlineData("build1:70000"), InlineData("build1:"), InlineData("build1:0"), InlineData("user@build1"), InlineData("a b"), InlineData(":80"), InlineData("[::1"), InlineData("https://")]
    public void Anything_else_is_no_server(string text) =>
        Assert.Contains($"'{text}' is not a server address", Assert.Throws<ClientProfileException>(() => ServerAddress.Parse(text)).Message);

    private void Add(params string[] paths)
    {
        foreach (var path in paths) _files[path] = "";
    }

    private ClientProfile Resolve(ClientFlags flags) =>
        ClientProfile.Resolve(flags, name => _environment.GetValueOrDefault(name), _files.ContainsKey, path => _files.GetValueOrDefault(path));
}
