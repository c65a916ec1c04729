using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>Programs, folders and words that cannot be run: one sentence each, with the code that a shell would give.</summary>
public sealed class WrongProgramTests(LiveServer server) : IClassFixture<LiveServer>, IDisposable
{
    private const UnixFileMode All = UnixFileMode.UserRead | UnixFileMode.UserExecute;
    private const string NoFile = "No such file or directory, or the interpreter it names is not there";
    private const string Denied = "Permission denied; it must be a file that may be executed, and so must the interpreter it names";
    private const string NoFormat = "Exec format error; a script needs a first line such as #!/bin/sh, and a program must be made for this kind of machine";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("missing", 127, NoFile)]
    [InlineData("dangling", 127, NoFile)]
    [InlineData("circle", 126, "Too many levels of symbolic links")]
    [InlineData("folder", 126, Denied)]
    [InlineData("plain", 126, Denied)]
    [InlineData("pipe", 126, Denied)]
    [InlineData("plain/below", 126, "Not a directory")]
    [InlineData("empty", 126, NoFormat)]
    [InlineData("foreign", 126, NoFormat)]
    [InlineData("cut", 126, NoFormat)]
    [InlineData("no-line", 126, NoFormat)]
    [InlineData("no-interpreter", 126, NoFormat)]
    [InlineData("lost-interpreter", 127, NoFile)]
    [InlineData("folder-interpreter", 126, Denied)]
    public async Task What_is_no_program_is_told_with_the_reason_by_its_path_and_by_its_name(string name, int code, string reason)
    {
        await MakeAsync();
        (await server.RunnerAsync("start", "--", _folder.At(name))).ExpectRefusal(code, $"runner: command '{_folder.At(name)}': {reason}\n");
        if (name.Contains('/', StringComparison.Ordinal)) return;

        // What is no file to execute is not on the PATH, as for a shell; what is one is tried.
        var (byName, byReason) = (name, reason) switch
        {
            ("missing" or "dangling" or "circle" or "folder", _) => (127, "No such file or directory on the job's PATH"),
            _ => (code, reason),
        };
        (await server.RunnerAsync("start", "--env", $"PATH=/nowhere:relative:{_folder.Path}", "--", name)).ExpectRefusal(byName, $"runner: command '{name}': {byReason}\n");
    }

    [Fact]
    public async Task A_name_is_looked_for_on_the_whole_path_before_it_is_given_up()
    {
        await MakeAsync();
        Directory.CreateDirectory(_folder.At("later"));
        foreach (var name in new[] { "dangling", "folder", "plain" })
        {
            _folder.Write($"later/{name}", "#!/bin/sh\necho found\n", All);
            Assert.Equal("found\n", (await server.RunnerAsync("run", "--env", $"PATH={_folder.Path}:{_folder.At("later")}", "--", name)).Expect(0).Output);
        }
    }

    [Theory]
    [InlineData("missing", "No such file or directory")]
    [InlineData("dangling", "No such file or directory")]
    [InlineData("circle", "Too many levels of symbolic links")]
    [InlineData("plain", "Not a directory")]
    public async Task What_is_no_folder_to_run_in_is_told_with_the_reason(string name, string reason)
    {
        await MakeAsync();
        (await server.RunnerAsync("start", "--cwd", _folder.At(name), "--", "true")).ExpectRefusal(126, $"runner: working directory '{_folder.At(name)}': {reason}\n");
    }

    [Fact]
    public async Task Names_longer_than_a_file_can_have_are_told_so()
    {
        (await server.RunnerAsync("start", "--", $"/{new string('a', 300)}")).ExpectRefusal(126, "File name too long");
        (await server.RunnerAsync("start", "--", new string('a', 300))).ExpectRefusal(127, "No such file or directory on the job's PATH");
        (await server.RunnerAsync("start", "--cwd", $"/{new string('a', 300)}", "--", "true")).ExpectRefusal(126, "File name too long");
    }

    [Fact]
    public async Task Ten_thousand_variables_reach_the_job()
    {
        var words = Enumerable.Range(0, 10_000).SelectMany(number => new[] { "--env", $"NAME_{number}=value {number}" });
        var ran = await server.RunnerAsync(["run", .. words, "--", "sh", "-c", "env | grep -c '^NAME_[0-9]*=value [0-9]*$'"]);
        Assert.Equal("10000\n", ran.Expect(0).Output);
    }

    [Fact]
    public async Task As_many_arguments_as_Linux_takes_reach_the_job_and_more_are_refused()
    {
        var most = new string('x', 128 * 1024 - 1);
        Assert.Equal("131071\n", (await server.RunnerAsync("run", "--", "sh", "-c", "printf %s \"$1\" | wc -c", "sh", most)).Expect(0).Output);
        Assert.Equal("15\n", (await server.RunnerAsync(["run", "--", "sh", "-c", "echo $#", "sh", .. Enumerable.Repeat(most, 15)])).Expect(0).Output);
        (await server.RunnerAsync(["run", "--", .. Enumerable.Repeat("true", 100_001)])).ExpectRefusal(2, "100003 words: must be at most 100000; see runner run --help");
    }

    /// <summary>One file of each kind that is none to run.</summary>
    private async Task MakeAsync()
    {
        _folder.Write("plain", "#!/bin/sh\n");
        _folder.Write("empty", "", All);
        _folder.Write("no-line", "echo hi\n", All);
        _folder.Write("no-interpreter", "#!\necho hi\n", All);
        _folder.Write("lost-interpreter", "#!/no/such/shell\n", All);
        _folder.Write("folder-interpreter", "#!/usr\n", All);
        (await ChildProcess.ShellAsync("""
            cd "$1"
            ln -s nowhere dangling; ln -s circle circle; mkdir folder; mkfifo -m 700 pipe
            head -c 100 /bin/true >cut
            # e_machine of the ELF header: 0x5a5a is nobody's.
            cp /bin/true foreign; printf 'ZZ' | dd of=foreign bs=1 seek=18 conv=notrunc status=none
            chmod 700 cut foreign
            """, _folder.Path)).Expect(0);
    }
}
