using Runner.Linux.Native;
using Runner.Output;

namespace Runner.Linux.Processes;

/// <summary>
/// Holds what is kept of one stream to its cap: makes room at its head, or takes from the pipe what is not kept. Only on the capture
/// loop's thread.
/// </summary>
/// <param name="cap">How much, and what happens to more.</param>
/// <param name="kind">Which stream.</param>
/// <param name="to">Its file and log.</param>
/// <param name="record">Told before anything is given up.</param>
/// <param name="onPassed">Told when the job is to be ended for what it wrote.</param>
sealed class StreamRoom(OutputCap cap, OutputKind kind, LogFile to, KeptFile record, Action onPassed)
{
    private const long Block = 4096; // of file systems, as a rule; where theirs are larger, some bytes stay on the disk

    private static Fd? s_nothing;
    private readonly FileHead _head = new(to.File, cap.Bytes, Block);

    /// <summary>Bytes that came after the cap.</summary>
    public long Dropped { get; private set; } = to.Dropped;

    /// <summary>Whether more would make it give something up.</summary>
    public bool IsFull(long length) => length - to.Log.First >= cap.Bytes;

    /// <summary>How many bytes the file takes now, which makes room first; 0: none any more.</summary>
    /// <exception cref="LinuxException">There is no room now.</exception>
    public long Make(long length)
    {
        if (cap.Policy is not OutputPolicy.KeepTail) return Dropped > 0 ? 0 : cap.Bytes - length;
        var room = cap.Bytes - (length - to.Log.First);

        // Readers are told first, then a server that comes after this one, and only then are the bytes gone.
        if (room <= 0) to.Log.DropBefore(_head.For(length));
        if (_head.Given == to.Log.First) return room;
        record.Write(kind, to.Log.First, Dropped);
        _head.GiveBack(to.Log.First);
        return cap.Bytes - (length - to.Log.First);
    }

    /// <summary>Takes from the pipe what is not kept, as splice(2) does.</summary>
    /// <exception cref="LinuxException">That cannot be written down now; nothing was taken.</exception>
    public unsafe nint Drop(Fd pipe, nuint most)
    {
        if (s_nothing is null)
        {
            var nothing = Libc.Open("/dev/null", OpenFlags.WriteOnly | OpenFlags.CloseOnExec);
            if (nothing.IsInvalid) throw LinuxException.Last("open", "/dev/null");
            s_nothing = nothing;
        }
        if (Dropped == 0) record.Write(kind, to.Log.First, 0); // makes the file, so that it is there from now on
        var moved = Libc.Splice(pipe, null, s_nothing, null, most, SpliceFlags.Move | SpliceFlags.NonBlocking);
        if (moved <= 0) return moved;
        var isFirst = Dropped == 0;
        Dropped += moved;
        try
        {
            record.Write(kind, to.Log.First, Dropped);
        }
        catch (LinuxException)
        {
            // It counts only if this server is killed, and then it is less exact.
        }
        if (isFirst) TellPassed();
        return moved;
    }

    /// <summary>The job has written more than it may.</summary>
    public void TellPassed()
    {
        if (cap.Policy is OutputPolicy.StopJob) onPassed();
    }
}
