using System.Diagnostics;
using System.Globalization;

namespace Runner.Tests.Support;

/// <summary>Runs a command as root in a throw-away machine with pure cgroup v2. It sees every file of this machine at the
/// same path; what it writes is lost. A machine that cannot be made fails the test with the reason.</summary>
static class Vm
{
    private static readonly SemaphoreSlim OneAtATime = new(1);

    /// <param name="limit">For the command and the boot together.</param>
    /// <param name="command">A program and its arguments; <c>["sh", path]</c> runs a script of this machine.</param>
    public static Task<VmResult> Run(TimeSpan limit, params string[] command) => Run(limit, [], command);

    /// <param name="options">More options of the script: <c>["--systemd"]</c>, <c>["--disk", path]</c>.</param>
    public static async Task<VmResult> Run(TimeSpan limit, string[] options, string[] command)
    {
        await OneAtATime.WaitAsync();
        try
        {
            var seconds = ((int)limit.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            var start = new ProcessStartInfo(FindScript(), ["--timeout", seconds, .. options, "--", .. command])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            // The script keeps the limit itself once the machine runs; a first use fetches a kernel before that.
            using var giveUp = new CancellationTokenSource(limit + TimeSpan.FromMinutes(5));
            try
            {
                await process.WaitForExitAsync(giveUp.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                throw new TimeoutException($"the virtual machine did not end: {await error}");
            }
            var result = new VmResult(process.ExitCode, await output, await error);
            // 125 may be the command's own; only the script signs the last line like this.
            if (result is { ExitCode: 124 or 125 } && result.Error.TrimEnd().Split('\n')[^1].StartsWith("vm-run: ", StringComparison.Ordinal))
                Assert.Fail(result.Error);
            return result;
        }
        finally
        {
            OneAtATime.Release();
        }
    }

    private static string FindScript()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            if (Path.Combine(folder, "Runner.Tests", "vm-run") is var script && File.Exists(script))
                return script;
        throw new FileNotFoundException("there is no Runner.Tests/vm-run above the tests");
    }
}

/// <summary>How a command in the virtual machine ended, and what it wrote.</summary>
sealed record VmResult(int ExitCode, string Output, string Error);
