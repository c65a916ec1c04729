using Runner.Jobs;
using Runner.Keeper;
using Runner.Linux.Processes;

namespace Runner;

/// <summary>Signals to a `runner serve` in the foreground, each passed on to its keeper once: those that come while there is no line wait for one.</summary>
sealed class PassedSignals
{
    private readonly Lock _lock = new();
    private readonly Queue<int> _waiting = new();
    private MessageSocket? _line;
    private bool _mustEnd;

    /// <param name="signals">Where they come from.</param>
    public PassedSignals(SignalPipe signals)
    {
        Pipe = signals;
        new Thread(() =>
        {
            while (true)
            {
                signals.Wait();
                lock (_lock)
                    if (signals.Take() is { } signal) Pass(signal is Signals.HangUp ? signal : Signals.Terminate);
            }
        }) { Name = "signals", IsBackground = true }.Start();
        signals.Begin();
    }

    public SignalPipe Pipe { get; }

    /// <summary>Until <see cref="PassNoMore"/> the line must not be closed.</summary>
    public void PassTo(MessageSocket line)
    {
        lock (_lock)
        {
            _line = line;
            while (_waiting.TryDequeue(out var signal)) line.TrySend(FrontMessages.Number(FrontMessage.Signal, signal));
        }
    }

    /// <summary>Whether one has come that ends servers.</summary>
    public bool PassNoMore()
    {
        lock (_lock)
        {
            _line = null;
            return _mustEnd;
        }
    }

    /// <summary>Lets this process be replaced by another program, which finds in the pipe what comes meanwhile. Returns only if that fails.</summary>
    public void HoldFor(Action replace)
    {
        lock (_lock)
        {
            SignalPipe.HoldBack();
            replace();
            Pipe.Begin();
        }
    }

    private void Pass(int signal)
    {
        _mustEnd |= signal != Signals.HangUp;
        if (_line is null) _waiting.Enqueue(signal);
        else _line.TrySend(FrontMessages.Number(FrontMessage.Signal, signal));
    }
}
