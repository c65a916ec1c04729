using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Runner.Tests.Support;

/// <summary>A program a test started: its output as bytes while they come, every wait with a limit, and no life after the test.</summary>
public sealed partial class ChildProcess : IAsyncDisposable
{
    public const int SigHup = 1, SigInt = 2, SigKill = 9, SigTerm = 15, SigCont = 18, SigStop = 19;
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(180);

    private readonly Process _process;
    private readonly GrowingBytes _stdout = new();
    private readonly GrowingBytes _stderr = new();
    private readonly Task _copied;

    private ChildProcess(Process process)
    {
        _process = process;
        process.StandardInput.Close();
        _copied = Task.WhenAll(
            _stdout.FillAsync(process.StandardOutput.BaseStream), _stderr.FillAsync(process.StandardError.BaseStream));
    }

    public int Id => _process.Id;
    public byte[] Bytes => _stdout.ToArray();
    public string Output => Encoding.UTF8.GetString(_stdout.ToArray());
    public string Error => Encoding.UTF8.GetString(_stderr.ToArray());

    public static ChildProcess Start(string program, IEnumerable<string> args, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(program, args)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/",
        };
        start.Environment.Clear();
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return new ChildProcess(Process.Start(start)!);
    }

    public static async Task<Ran> RunAsync(string program, IEnumerable<string> args, IReadOnlyDictionary<string, string> environment, TimeSpan? limit = null)
    {
        await using var child = Start(program, args, environment);
        return await child.EndAsync(limit);
    }

    /// <summary>Runs a shell script, which gets its arguments as $1 and on.</summary>
    public static Task<Ran> ShellAsync(string script, params string[] args) =>
        RunAsync("/bin/bash", ["-c", script, "bash", .. args], RunnerBinary.Surroundings());

    /// <summary>Waits until its standard output has some text.</summary>
    public Task OutputHasAsync(string text) => HasAsync(_stdout, text);

    /// <summary>Waits until its standard error has some text.</summary>
    public Task ErrorHasAsync(string text) => HasAsync(_stderr, text);

    /// <summary>Waits until it has written so many bytes.</summary>
    public Task OutputReachesAsync(int bytes) => _stdout.UntilAsync(all => all.Length >= bytes, $"{bytes} bytes", Limit);

    /// <summary>Waits for its end and the end of its streams.</summary>
    public async Task<Ran> EndAsync(TimeSpan? limit = null)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        giveUp.CancelAfter(limit ?? Limit);
        try
        {
            await _process.WaitForExitAsync(giveUp.Token);
            await _copied.WaitAsync(giveUp.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"{_process.StartInfo.FileName} {string.Join(' ', _process.StartInfo.ArgumentList)} did not end\nstdout: {Output}\nstderr: {Error}");
        }
        return new(_process.ExitCode, _stdout.ToArray(), Error);
    }

    public void Signal(int signal)
    {
        // Unreaped until its exit has been waited for, so the number is still its own.
        if (!_process.HasExited && Kill(_process.Id, signal) != 0)
            throw new InvalidOperationException(Marshal.GetLastPInvokeErrorMessage());
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Limit, CancellationToken.None);
        _process.Dispose();
    }

    private static Task HasAsync(GrowingBytes bytes, string text) =>
        bytes.UntilAsync(all => all.IndexOf(Encoding.UTF8.GetBytes(text)) >= 0, $"'{text}'", Limit);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
