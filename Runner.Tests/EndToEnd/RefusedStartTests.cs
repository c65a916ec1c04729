using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

public sealed class RefusedStartTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Theory]
    [InlineData("start", "true")]
    [InlineData("run", "true")]
    [InlineData("start", "--cpu", "1", "true", "-f")]
    public async Task A_command_without_dashes_before_it_is_refused(params string[] words) =>
        (await server.RunnerAsync(words)).Expect(2);

    [Fact]
    public async Task The_refusal_of_a_command_without_dashes_shows_how_to_write_it() =>
        (await server.RunnerAsync("run", "sha256sum", "bigfile")).ExpectRefusal(2, "put -- before the command: runner run -- sha256sum bigfile");

    [Fact]
    public async Task Dashes_without_a_command_are_refused() =>
        (await server.RunnerAsync("start", "--")).ExpectRefusal(2, "no command after --");

    [Fact]
    public async Task An_empty_command_is_refused() =>
        (await server.RunnerAsync("start", "--", "")).ExpectRefusal(2, "command: must not be empty");

    [Fact]
    public async Task An_empty_argument_is_refused_unless_it_is_allowed()
    {
        (await server.RunnerAsync("start", "--", "printf", "[%s]", "", "b")).ExpectRefusal(2, "argument 2: must not be empty");
        Assert.Equal("[][b]", (await server.RunnerAsync("run", "--allow-empty-args", "--", "printf", "[%s]", "", "b")).Expect(0).Output);
    }

    [Theory]
    [InlineData("--cpu", "0"), InlineData("--cpu", "-1"), InlineData("--cpu", "half"), InlineData("--cpu", "0.001"), InlineData("--cpu", "1e9"), InlineData("--cpu", "NaN")]
    [InlineData("--memory", "0"), InlineData("--memory", "-5M"), InlineData("--memory", "10X"), InlineData("--memory", "1K"), InlineData("--memory", "lots"), InlineData("--memory", "99999P")]
    [InlineData("--pids", "0"), InlineData("--pids", "-3"), InlineData("--pids", "1.5"), InlineData("--pids", "x"), InlineData("--pids", "99999999999999999999")]
    [InlineData("--cpu-weight", "0"), InlineData("--cpu-weight", "10001"), InlineData("--cpu-weight", "1.5"), InlineData("--io-weight", "0")]
    [InlineData("--swap", "1G"), InlineData("--memory-high", "1K"), InlineData("--io-bps", "1M"), InlineData("--read-iops", "x"), InlineData("--device", "/")]
    [InlineData("--grace", "-1s"), InlineData("--grace", "soon"), InlineData("--grace", "2h")]
    [InlineData("--env", "NOVALUE"), InlineData("--env", "=x"), InlineData("--label", "a b=c"), InlineData("--name", "a/b")]
    [InlineData("--id", "nonsense"), InlineData("--cwd", "relative/path")]
    public async Task An_option_that_makes_no_sense_is_refused_in_one_line(string option, string value) =>
        (await server.RunnerAsync("start", $"{option}={value}", "--", "true")).ExpectRefusal(2, "");

    [Fact]
    public async Task A_disk_that_is_not_there_refuses_the_start() =>
        (await server.RunnerAsync("start", "--device", "/no/such/disk", "--io-bps", "1M", "--", "true"))
            .ExpectRefusal(126, "cannot limit io on '/no/such/disk': No such file or directory");

    [Theory, InlineData("./true"), InlineData("bin/true")]
    public async Task A_relative_path_is_refused(string command) =>
        (await server.RunnerAsync("start", "--", command)).ExpectRefusal(2, "must be an absolute path, or a name without '/'");

    [Theory, InlineData("no-such-program"), InlineData("/no/such/program")]
    public async Task A_program_that_is_not_there_gives_127(string command)
    {
        (await server.RunnerAsync("start", "--", command)).ExpectRefusal(127, $"command '{command}': No such file or directory");
        (await server.RunnerAsync("run", "--", command)).ExpectRefusal(127, $"command '{command}': No such file or directory");
    }

    [Fact]
    public async Task A_program_that_cannot_be_executed_gives_126()
    {
        using var folder = new TemporaryFolder();
        (await server.RunnerAsync("start", "--", folder.Write("plain", "#!/bin/sh\n"))).ExpectRefusal(126, "Permission denied");
        (await server.RunnerAsync("start", "--", folder.Path)).ExpectRefusal(126, "Permission denied");
        (await server.RunnerAsync("start", "--env", $"PATH={folder.Path}", "--", "plain")).ExpectRefusal(126, "Permission denied");
    }

    [Fact]
    public async Task A_script_runs_by_the_interpreter_it_names_and_its_lack_is_told()
    {
        using var folder = new TemporaryFolder();
        const UnixFileMode All = UnixFileMode.UserRead | UnixFileMode.UserExecute;
        Assert.Equal("hi\n", (await server.RunnerAsync("run", "--", folder.Write("good", "#!/bin/sh\necho hi\n", All))).Expect(0).Output);
        (await server.RunnerAsync("start", "--", folder.Write("none", "echo hi\n", All))).ExpectRefusal(126, "a script needs a first line such as #!/bin/sh");
        (await server.RunnerAsync("start", "--", folder.Write("bad", "#!/no/such/shell\necho hi\n", All))).ExpectRefusal(127, "or the interpreter it names is not there");
    }

    [Fact]
    public async Task A_working_directory_that_is_not_there_or_none_gives_126()
    {
        (await server.RunnerAsync("start", "--cwd", "/no/such/folder", "--", "true")).ExpectRefusal(126, "working directory '/no/such/folder': No such file or directory");
        (await server.RunnerAsync("start", "--cwd", "/etc/passwd", "--", "true")).ExpectRefusal(126, "working directory '/etc/passwd': Not a directory");
    }

    [Fact]
    public async Task A_refused_start_leaves_no_job_no_folder_and_no_cgroup()
    {
        var before = Traces();
        (await server.RunnerAsync("start", "--memory", "64M", "--", "/no/such/program")).Expect(127);
        (await server.RunnerAsync("start", "--cpu", "0.5", "--pids", "5", "--cwd", "/no/such/folder", "--", "true")).Expect(126);
        Assert.Equal(before, Traces());
    }

    private List<string> Traces() =>
        [.. (Directory.Exists($"{server.State}/jobs") ? Directory.GetDirectories($"{server.State}/jobs") : []).Where(folder => Directory.GetFiles(folder).Length == 0),
            .. server.Cgroups().SelectMany(Directory.GetDirectories).Order(StringComparer.Ordinal)];
}
