using System.Text;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

public sealed class SecrecyTests
{
    [Fact]
    public async Task What_jobs_are_told_and_say_is_neither_in_the_log_nor_in_sight_of_other_users()
    {
        await using var server = new LiveServer();
        await server.InitializeAsync();
        await server.StopAsync();
        await server.ServeAsync("--verbose");

        string[] secrets = ["argument-8c1f", "value-2b7e", "output-77aa", "error-90d3", "/program-5e1c", "/folder-61b0", "interpreted-1d2c"];
        var job = await server.StartAsync("--env", $"TOKEN={secrets[1]}", "--", "sh", "-c", $"echo {secrets[2]}; echo {secrets[3]} >&2", secrets[0]);
        await server.EndAsync(job);
        (await server.RunnerAsync("list")).Expect(0);
        (await server.RunnerAsync("start", "--", secrets[4], secrets[0])).Expect(127);
        (await server.RunnerAsync("start", "--cwd", secrets[5], "--", "true")).Expect(126);
        (await server.RunnerAsync("start", "--", "true", "", secrets[0])).Expect(2);
        (await server.RunnerAsync("status", secrets[6])).Expect(127);

        var seen = await File.ReadAllTextAsync($"/proc/{server.Id}/cmdline", TestContext.Current.CancellationToken)
            + await File.ReadAllTextAsync($"/proc/{server.Id}/environ", TestContext.Current.CancellationToken);
        await server.StopAsync();
        Assert.Contains(job, server.Log, StringComparison.Ordinal);
        Assert.Contains("admin (Admin) called", server.Log, StringComparison.Ordinal);
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, server.Log + seen, StringComparison.Ordinal));
        foreach (var file in Directory.GetFiles(server.At("certs"), "*.pem"))
            foreach (var line in (await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken)).Where(line => line.Length == 64))
                Assert.DoesNotContain(line, server.Log + seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Records_and_output_can_be_read_by_root_only()
    {
        await using var server = new LiveServer();
        await server.InitializeAsync();
        var job = await server.ShellAsync("echo secret");
        await server.EndAsync(job);
        var modes = (await ChildProcess.ShellAsync("stat -c %a \"$1\" \"$1/jobs\" \"$1/jobs/$2\" \"$1/jobs/$2/\"*", server.State, job)).Expect(0).Output;
        Assert.Equal("700\n700\n700\n600\n600\n", modes);
    }
}
