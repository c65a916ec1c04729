using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Runner.Cli;

/// <summary>Takes SIGINT, SIGTERM and SIGHUP for as long as it lives, and hands them out one by one.</summary>
sealed class Interrupts : IDisposable
{
    private readonly Channel<bool> _arrived = Channel.CreateUnbounded<bool>();
    private readonly PosixSignalRegistration[] _registrations;

    public Interrupts() => _registrations =
        [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, Take))];

    /// <summary>Waits for the next one; false once this is disposed.</summary>
    public async Task<bool> NextAsync()
    {
        try
        {
            return await _arrived.Reader.ReadAsync();
        }
        catch (ChannelClosedException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _arrived.Writer.TryComplete();
    }

    private void Take(PosixSignalContext context)
    {
        context.Cancel = true;
        _arrived.Writer.TryWrite(true);
    }
}
