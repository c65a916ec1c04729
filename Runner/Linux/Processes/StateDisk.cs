using System.Diagnostics;
using Runner.Jobs;
using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>
/// Watches the room on the disk of the state directory. All captures share one look at it: another one is taken when what
/// the last one left room for has been captured, or when it is a tenth of a second old.
/// </summary>
/// <param name="folder">The state directory.</param>
/// <param name="reserve">Bytes to keep free; null: the usual; 0: none, nor any inodes.</param>
sealed class StateDisk(string folder, long? reserve = null) : IStateDisk
{
    private const long MostBetweenLooks = 64L * 1024 * 1024;
    private static readonly TimeSpan s_oldest = TimeSpan.FromMilliseconds(100);

    // Only on the capture loop's thread.
    private long _lookedAt;
    private long _left;
    private DiskSpace? _seen;

    /// <exception cref="LinuxException">The disk does not tell.</exception>
    public DiskSpace Look()
    {
        var room = FileSystemRoom.Of(folder);
        return new(
            folder, room.Bytes, room.FreeBytes, reserve ?? DiskSpace.UsualReserveOf(room.Bytes),
            room.Files, room.FreeFiles, reserve is 0 ? 0 : DiskSpace.UsualFilesOf(room.Files));
    }

    /// <summary>Why output is to be left in its pipe; null: it is not. Only on the capture loop's thread.</summary>
    public LinuxException? HoldsBack()
    {
        if (_seen is null || _left <= 0 || Stopwatch.GetElapsedTime(_lookedAt) > s_oldest)
        {
            try
            {
                _seen = Look();
            }
            catch (LinuxException)
            {
                return null; // the write itself will tell
            }
            (_lookedAt, _left) = (Stopwatch.GetTimestamp(), Math.Min(_seen.BytesToCapture, MostBetweenLooks));
        }
        return _seen.HoldsBack || _left <= 0 ? new LinuxException($"{folder}: {_seen.Words} for the ends of jobs", Errno.ENOSPC) : null;
    }

    /// <summary>Counts what was captured. Only on the capture loop's thread.</summary>
    public void Took(long bytes) => _left -= bytes;
}
