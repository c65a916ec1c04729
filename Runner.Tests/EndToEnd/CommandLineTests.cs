using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("--help"), InlineData("serve --help"), InlineData("start --help"), InlineData("run --help"), InlineData("status --help")]
    [InlineData("list --help"), InlineData("logs --help"), InlineData("stop -h"), InlineData("wait --help"), InlineData("doctor --help"), InlineData("version --help")]
    [InlineData("certs --help"), InlineData("certs init --help"), InlineData("certs client --help"), InlineData("certs server --help"), InlineData("certs show --help")]
    public async Task Every_command_explains_itself(string words)
    {
        var ran = (await RunnerBinary.RunAsync(words.Split(' '))).Expect(0);
        Assert.StartsWith("Description:\n", ran.Output, StringComparison.Ordinal);
        Assert.Contains("Usage:\n  runner", ran.Output, StringComparison.Ordinal);
        Assert.Empty(ran.Error);
    }

    [Fact]
    public async Task Version_is_one_line() =>
        Assert.Matches("^runner [0-9]+\\.[0-9]+\\.[0-9]+[^ \n]*\n$", (await RunnerBinary.RunAsync("version")).Expect(0).Output);

    [Theory, InlineData(""), InlineData("fly"), InlineData("status"), InlineData("start --cpu"), InlineData("stop a b"), InlineData("serve --fast")]
    public async Task Words_that_are_no_command_end_with_2_and_a_hint(string words)
    {
        var ran = (await RunnerBinary.RunAsync(words.Split(' ', StringSplitOptions.RemoveEmptyEntries))).Expect(2);
        Assert.Matches("^runner: .+; see runner.* --help\n$", ran.Error);
    }

    [Fact]
    public async Task Doctor_names_the_layout_and_the_limits_this_machine_can_enforce()
    {
        var ran = await RunnerBinary.RunAsync("doctor");
        Assert.True(ran.Code is 0 or 1, ran.Error);
        Assert.Equal(ran.Code == 1, ran.Output.Split('\n').Any(line => line.StartsWith("missing ", StringComparison.Ordinal)));
        Assert.Matches("(?m)^works +cgroups +(hybrid|pure v2)[: ]", ran.Output);
        foreach (var limit in new[] { "cpu limit", "memory limit", "pids limit" }) Assert.Contains($" {limit} ", ran.Output, StringComparison.Ordinal);

        // Another test may ask a doctor too.
        await Until.SoAsync(() => !Directory.GetDirectories("/sys/fs/cgroup").Any(root => Directory.GetDirectories(root, "runner-doctor-*").Length > 0), "no cgroup of a doctor is left");
    }

    [Fact]
    public async Task A_client_without_a_certificate_says_where_to_put_one() =>
        (await RunnerBinary.RunAsync("list", "--cert", "/none.pem", "--ca", "/none.pem")).ExpectRefusal(125, "/none.pem");

    [Fact]
    public async Task A_client_without_a_server_says_that_none_answers()
    {
        using var folder = new TemporaryFolder();
        (await RunnerBinary.RunAsync("certs", "init", "--dir", folder.At("certs"))).Expect(0);
        // Port 1 is reserved and nothing listens there.
        (await RunnerBinary.RunAsync("list", "--server", "127.0.0.1:1", "--cert", folder.At("certs/admin.pem"), "--ca", folder.At("certs/server-ca.pem")))
            .ExpectRefusal(125, "nothing listens at 127.0.0.1:1");
    }
}
