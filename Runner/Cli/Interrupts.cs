using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Runner.Cli;

/// <summary>Takes SIGINT, SIGTERM and SIGHUP for as long as it lives, and hands out their numbers one by one.</summary>
sealed class Interrupts : IDisposable
{
    private readonly Channel<int> _arrived = Channel.CreateUnbounded<int>();
    private readonly PosixSignalRegistration[] _registrations;

    public Interrupts() => _registrations =
        [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, Take))];

    /// <summary>Complete once this is disposed.</summary>
    public ChannelReader<int> Arrived => _arrived.Reader;

    /// <summary>Waits for the next one; false once this is disposed.</summary>
    public async Task<bool> NextAsync()
    {
        try
        {
            await Arrived.ReadAsync();
            return true;
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
        _arrived.Writer.TryWrite(context.Signal switch { PosixSignal.SIGHUP => 1, PosixSignal.SIGINT => 2, _ => 15 });
    }
}
