using System.Diagnostics;
using Runner.Tests.Grpc;

namespace Runner.Tests.Grpc.Interop;

/// <summary>A Node script beside this file, as a child process that ends with the test.</summary>
internal sealed class Node : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    private Node(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    public static Node Start(string script, params string[] arguments)
    {
        var folder = Folder();
        Assert.True(Directory.Exists(Path.Combine(folder, "node_modules")), "The Node packages are missing: run ./build.sh test, which installs them.");
        var start = new ProcessStartInfo("node", [Path.Combine(folder, script), .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        return new Node(Process.Start(start)!);
    }

    public async Task<string> ReadLineAsync() => await _process.StandardOutput.ReadLineAsync().Soon() ?? throw new IOException($"The script ended: {await _errors}");

    public async Task SucceedsAsync()
    {
        await _process.WaitForExitAsync().Soon();
        Assert.True(_process.ExitCode == 0, await _errors);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static string Folder()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Runner.csproj"))) folder = folder.Parent ?? throw new DirectoryNotFoundException("The tests are not below the source tree.");
        return Path.Combine(folder.FullName, "Runner.Tests", "Interop");
    }
}
