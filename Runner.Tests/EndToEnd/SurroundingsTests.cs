using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>What a job finds when it wakes up.</summary>
public sealed class SurroundingsTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Fact]
    public async Task The_environment_is_a_small_default_and_what_was_asked_for()
    {
        var id = Guid.NewGuid().ToString();
        var lines = await LinesAsync("--id", id, "--env", "COLOUR=dark blue", "--env", "LANG=C", "--env", "EMPTY=", "--", "env");
        Assert.Equal(
            ["COLOUR=dark blue", "EMPTY=", "HOME=/root", "LANG=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", $"RUNNER_JOB_ID={id}", "USER=root"],
            lines.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Standard_input_is_empty() =>
        Assert.Equal(["/dev/null", "0"], await LinesAsync("--", "sh", "-c", "readlink /proc/self/fd/0; cat | wc -c"));

    [Fact]
    public async Task Only_the_three_standard_descriptors_are_open() =>
        // The folder's own descriptor, 3, is there while it is listed.
        Assert.Equal(["0", "1", "2", "3"], await LinesAsync("--", "ls", "/proc/self/fd"));

    [Fact]
    public async Task A_job_leads_a_session_and_process_group_of_its_own_without_a_terminal()
    {
        var lines = await LinesAsync("--", "sh", "-c", "echo $$; cut -d ' ' -f 5,6,7 /proc/$$/stat");
        Assert.Equal($"{lines[0]} {lines[0]} 0", lines[1]);
    }

    [Fact]
    public async Task Nor_does_a_program_that_the_tests_themselves_start_ignore_what_whoever_started_them_ignores() =>
        Assert.Equal(0UL, DefaultSignals.IgnoredBy((await ChildProcess.ShellAsync("cat /proc/self/status")).Expect(0).Output) & 0b110); // SIGINT, SIGQUIT

    [Fact]
    public async Task Signals_are_at_their_defaults()
    {
        var lines = (await LinesAsync("--", "cat", "/proc/self/status")).Where(line => line.StartsWith("Sig", StringComparison.Ordinal) && !line.StartsWith("SigQ", StringComparison.Ordinal)).ToList();
        Assert.Equal(4, lines.Count);
        Assert.All(lines, line => Assert.EndsWith("\t0000000000000000", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_mask_for_new_files_and_the_number_of_open_files_are_the_usual_ones() =>
        Assert.Equal(["0022", "1024"], await LinesAsync("--", "sh", "-c", "umask; ulimit -S -n"));

    [Fact]
    public async Task The_working_directory_is_the_clients_own_or_the_one_asked_for()
    {
        Assert.Equal(["/"], await LinesAsync("--", "pwd"));
        Assert.Equal([server.Folder], await LinesAsync("--cwd", server.Folder, "--", "/bin/pwd"));
    }

    [Fact]
    public async Task A_job_is_in_its_cgroup_from_its_first_instruction()
    {
        var id = Guid.NewGuid().ToString();
        var lines = await LinesAsync("--id", id, "--cpu", "1", "--memory", "64M", "--pids", "9", "--", "cat", "/proc/self/cgroup");
        var own = lines.Where(line => line.EndsWith($":/{server.CgroupName}/{id}", StringComparison.Ordinal)).Select(line => line.Split(':')[1]).ToList();
        Assert.True(own.Contains("") || own.Contains("cpu"), string.Join('\n', lines));
        if (lines.Length > 1) Assert.Superset(new HashSet<string> { "cpu", "memory", "pids" }, own.ToHashSet());
    }

    [Fact]
    public async Task A_jobs_name_and_arguments_are_the_words_that_were_given() =>
        Assert.Equal(["sh", "-c", "tr '\\0' '\\n' </proc/$$/cmdline", "--", "-x", "--", "ü ✓", "$HOME", "@x"],
            await LinesAsync("--", "sh", "-c", "tr '\\0' '\\n' </proc/$$/cmdline", "--", "-x", "--", "ü ✓", "$HOME", "@x"));

    private async Task<string[]> LinesAsync(params string[] words) =>
        (await server.RunnerAsync(["run", .. words])).Expect(0).Output.TrimEnd('\n').Split('\n');
}
