using Runner.Linux.Native;
using Runner.Output;

namespace Runner.Linux.Processes;

/// <summary>
/// Appends to a job's index when each piece was captured. Only on the capture loop's thread, which both of the job's streams
/// share: so records stand in the order of capture.
/// </summary>
/// <param name="file">The index; this object's from now on.</param>
/// <param name="log">The log it is read by.</param>
/// <param name="last">The time of its last record.</param>
/// <param name="most">Bytes it may have; the oldest records make room. Null: no end.</param>
sealed class IndexWriter(LazyFile file, OutputLog log, long last = 0, long? most = null) : IDisposable
{
    // The least that blocks of 4096 bytes and records have in common: what is left begins with a whole record.
    public const long Unit = 4096 * OutputRecord.Size / 8;

    private readonly FileHead? _head = most is { } bytes ? new(file, bytes, Unit) : null;
    private long _last = last;

    /// <summary>Writes down a piece; readers learn of it by <see cref="Tell"/>.</summary>
    /// <exception cref="LinuxException">The file does not take it, and nothing has changed.</exception>
    public unsafe void Append(OutputKind kind, long offset, long length)
    {
        // Nobody need be told: a record that is gone is known by its time, which is 0 then.
        if (_head is not null && log.Length - _head.Given > most) _head.GiveBack(_head.For(log.Length));

        // A clock that is set back does not put what comes after before what came before.
        _last = Math.Max(_last, DateTime.UtcNow.Ticks);
        var bytes = stackalloc byte[OutputRecord.Size];
        new OutputRecord(_last, kind, offset, length).Write(new(bytes, OutputRecord.Size));
        var written = Libc.WriteAt(file.Open(), bytes, OutputRecord.Size, log.Length);
        if (written < 0) throw LinuxException.Last("pwrite index");

        // A part of it went on the last room there was; it is written over when there is more.
        if (written < OutputRecord.Size) throw new LinuxException("pwrite index", Errno.ENOSPC);
    }

    public void Tell() => log.Grow(log.Length + OutputRecord.Size);

    public void Dispose() => file.Dispose();
}
