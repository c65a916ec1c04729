using Runner.Linux.Native;
using Runner.Output;

namespace Runner.Linux.Processes;

/// <summary>
/// Moves what a job writes from its pipe to its file inside the kernel (splice(2)), so that no byte is ever only in
/// this process. A file that takes no more holds the job back by its pipe; nothing is dropped but what a cap is there for.
/// </summary>
sealed class StreamCapture(
    EventLoop loop, Fd pipe, LogFile to, OutputKind kind, IndexWriter index, Action<LinuxException> onHeldBack, Action onGoingOn, StreamRoom? room = null)
{
    private const int MostAtOnce = 1 << 20;
    private const nuint FionRead = 0x541B; // bytes in the pipe, pipe(7)
    private static readonly TimeSpan s_retryPause = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LazyFile _file = to.File;
    private readonly OutputLog _log = to.Log;
    private long _length = to.Size;
    private ulong _token;
    private bool _watching;
    private bool _finishing;
    private bool _closed;
    private bool _heldBack;
    private bool _toldHeldBack;

    /// <summary>What was captured, kept or not.</summary>
    private long Taken => _length + (room?.Dropped ?? 0);

    /// <summary>Whether somebody held the pipe open when capturing was finished.</summary>
    public bool HeldOpen { get; private set; }

    /// <summary>What a former server captured but did not write down is written down first.</summary>
    public void Start() => loop.Post(Retry);

    /// <summary>
    /// Captures what is in the pipe now and stops, even if something outside the job holds the pipe open. To be called
    /// when no process of the job is left, so that nothing of it is still to come.
    /// </summary>
    public async Task FinishAsync()
    {
        await loop.RunAsync(() =>
        {
            _finishing = true;
            if (!_heldBack) Drain();
        }).ConfigureAwait(false);
        await _finished.Task.ConfigureAwait(false);
    }

    private void Watch()
    {
        if (_closed) return;
        _token = loop.Add(pipe, EpollEvents.Readable, ready => Move(MostAtOnce, ready.HasFlag(EpollEvents.HangUp)));
        _watching = true;
    }

    private void Unwatch()
    {
        if (_watching) loop.Remove(_token, pipe);
        _watching = false;
    }

    private void Drain()
    {
        if (_closed) return;
        Unwatch();
        var target = Taken + Waiting();
        while (Taken < target && Move((nuint)(target - Taken))) { }
        if (_heldBack || _closed) return;
        HeldOpen = !HasHungUp();
        Close();
    }

    private unsafe bool HasHungUp()
    {
        var entry = new PollFd { Fd = pipe.Number };
        return Libc.PollFds(&entry, 1, 0) > 0 && entry.Returned.HasFlag(PollEvents.HangUp);
    }

    /// <summary>One piece; the end of the stream closes. False: there is no more for now.</summary>
    private unsafe bool Move(nuint most, bool hasHungUp = false)
    {
        if (!_finishing && to.Disk?.HoldsBack() is { } low && Waiting() > 0)
        {
            // Of a job that is ending what is in its pipes goes into the room that is kept for that.
            HoldBack(low);
            return false;
        }
        if (!_file.IsOpen && !OpenFile(hasHungUp)) return false;
        if (room?.IsFull(_length) is true && Waiting() == 0)
        {
            // Nothing is given up for bytes that do not come.
            if (hasHungUp) Close();
            return false;
        }
        nint moved;
        try
        {
            var free = room?.Make(_length) ?? long.MaxValue;
            var offset = _length;
            moved = free > 0
                ? Libc.Splice(pipe, null, _file.Open(), &offset, (nuint)Math.Min((long)most, free), SpliceFlags.Move | SpliceFlags.NonBlocking)
                : room!.Drop(pipe, most);
            if (moved > 0)
            {
                if (free > 0) _length += moved;
                to.Disk?.Took(moved);
                return free > 0 ? Record() : TellDropped();
            }
        }
        catch (LinuxException e)
        {
            HoldBack(e);
            return false;
        }
        if (moved == 0)
        {
            Close();
            return false;
        }
        var error = LinuxException.Last("splice");
        if (error.Errno is Errno.EINTR) return true;
        if (error.Errno is not Errno.EAGAIN) HoldBack(error);
        return false;
    }

    /// <summary>False: there is nothing to write, or the file cannot be made and is tried again.</summary>
    private bool OpenFile(bool hasHungUp)
    {
        // Without bytes it is the end only if no writer is left: root's jobs can read from their own pipe, and be faster.
        if (Waiting() == 0)
        {
            if (hasHungUp) Close();
            return false;
        }
        try
        {
            _file.Open();
            return true;
        }
        catch (LinuxException e)
        {
            HoldBack(e);
            return false;
        }
    }

    private unsafe int Waiting()
    {
        int waiting;
        return Libc.BytesWaiting(pipe, FionRead, &waiting) == 0 ? waiting : throw LinuxException.Last("ioctl FIONREAD");
    }

    /// <summary>Writes down what was captured and tells it. False: it could not be written, and is tried again.</summary>
    private bool Record()
    {
        try
        {
            index.Append(kind, _log.Length, _length - _log.Length);
        }
        catch (LinuxException e)
        {
            HoldBack(e);
            return false;
        }

        // In this order: whoever is told of a record finds its bytes.
        _log.Grow(_length);
        index.Tell();
        TellGoingOn();
        return true;
    }

    private bool TellDropped()
    {
        _log.GrowDropped(Taken);
        TellGoingOn();
        return true;
    }

    private void TellGoingOn()
    {
        if (_toldHeldBack) onGoingOn();
        _toldHeldBack = false;
    }

    private void HoldBack(LinuxException error)
    {
        // Off the loop for a while: a pipe that has hung up would be reported without end.
        Unwatch();
        if (!_toldHeldBack) onHeldBack(error);
        (_heldBack, _toldHeldBack) = (true, true);
        _ = RetryLaterAsync();
    }

    private async Task RetryLaterAsync()
    {
        await Task.Delay(s_retryPause).ConfigureAwait(false);
        loop.Post(Retry);
    }

    private void Retry()
    {
        _heldBack = false;
        if (_log.Length < _length && !Record()) return;
        if (_log.Length < Taken)
        {
            TellDropped();
            room?.TellPassed();
        }
        if (_finishing) Drain();
        else Watch();
    }

    private void Close()
    {
        if (_closed) return;
        _closed = true;
        Unwatch();
        pipe.Dispose();
        _finished.SetResult();
    }
}
