using System.Diagnostics;
using System.Globalization;
using System.Text;

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
        var lines = new StringBuilder();
        var ran = await RunAsync(limit, options, command, line => { lines.Append(line).Append('\n'); return Task.FromResult(true); });
        var result = ran with { Output = lines.ToString() };

        // 125 may be the command's own; only the script signs the last line like this.
        if (result is { ExitCode: 124 or 125 } && result.Error.TrimEnd().Split('\n')[^1].StartsWith("vm-run: ", StringComparison.Ordinal))
            Assert.Fail(result.Error);
        return result;
    }

    /// <summary>Runs a command until a line of its output says enough; then the machine's power is cut.</summary>
    /// <param name="limit">For all of it.</param>
    /// <param name="options">As above.</param>
    /// <param name="command">What is not expected to end by itself.</param>
    /// <param name="goesOn">Gets each line; done with false when the power is to be cut.</param>
    public static async Task RunUntilCutAsync(TimeSpan limit, string[] options, string[] command, Func<string, Task<bool>> goesOn)
    {
        var wasCut = false;
        var ran = await RunAsync(limit, options, command, async line => !(wasCut |= !await goesOn(line)));
        Assert.True(wasCut, $"the machine ended by itself: {ran.ExitCode}\n{ran.Error}");
    }

    private static async Task<VmResult> RunAsync(TimeSpan limit, string[] options, string[] command, Func<string, Task<bool>> goesOn)
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
            var error = process.StandardError.ReadToEndAsync();

            // The script keeps the limit itself once the machine runs; a first use fetches a kernel before that.
            using var giveUp = new CancellationTokenSource(limit + TimeSpan.FromMinutes(5));
            try
            {
                string? line;
                do line = await process.StandardOutput.ReadLineAsync(giveUp.Token);
                while (line is not null && await goesOn(line));
                if (line is null) await process.WaitForExitAsync(giveUp.Token);
            }
            finally
            {
                await CutAsync(process);
            }
            return new(process.ExitCode, "", await error);
        }
        finally
        {
            OneAtATime.Release();
        }
    }

    /// <summary>The script takes SIGTERM for a power cut, and removes what is its own.</summary>
    private static async Task CutAsync(Process script)
    {
        if (script.HasExited) return;
        using var cut = Process.Start("kill", ["-TERM", $"{script.Id}"]);
        await cut.WaitForExitAsync();
        await script.WaitForExitAsync();
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
