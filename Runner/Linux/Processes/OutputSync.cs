using System.Buffers;
using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>
/// Gets the files of one job to the disk, where a power cut leaves them: their bytes, their names, their folder's name (fsync(2)).
/// Remembers that the disk once did not take them, and then does not believe the kernel that it has by saying so alone.
/// </summary>
/// <remarks>
/// A page that could not be written is told of once, to the next fsync, and counts as written from then on: a second fsync succeeds
/// without it. So what is in memory is written once more over itself, which makes the kernel take it to the disk again.
/// </remarks>
/// <param name="folder">The job's.</param>
/// <param name="isNew">Of a job that no former server has captured to.</param>
sealed class OutputSync(string folder, bool isNew)
{
    // A file, for the server that comes after one that was killed: the kernel does not tell it again.
    private const string Mark = "disk-failed";
    private const string Fsync = "fsync";
    private const uint OwnerOnly = 0x180; // 0600
    private const int Page = 4096; // the least; where theirs are larger, one is asked for more than once
    private const int Chunk = 64 * Page;

    // Each waits for the disk: enough to let it gather their writes, few enough to leave the pool its threads.
    private const int MostSyncing = 4;
    private static readonly SemaphoreSlim s_syncing = new(MostSyncing);

    /// <summary>Whether the disk did not take something. It may have been let go of before it was written again, which nobody can see.</summary>
    public bool DiskFailed { get; set; } = !isNew && DiskFile.Exists(Path.Combine(folder, Mark));

    /// <exception cref="LinuxException">The disk did not take all of it.</exception>
    /// <exception cref="IOException">It does not tell what there is.</exception>
    public async Task RunAsync()
    {
        await s_syncing.WaitAsync().ConfigureAwait(false);
        try
        {
            await Task.Run(Run).ConfigureAwait(false);
        }
        finally
        {
            s_syncing.Release();
        }
    }

    /// <summary>Puts one file or folder on the disk.</summary>
    /// <exception cref="LinuxException">The disk did not take it.</exception>
    public static void Sync(string path)
    {
        using var file = Open(path, OpenFlags.ReadOnly);
        if (Libc.Sync(file) != 0) throw LinuxException.Last(Fsync, path);
    }

    private void Run()
    {
        // A job that wrote nothing has none; and one that somebody removed is not waited for.
        if (!DiskFile.Exists(folder)) return;
        if (DiskFailed)
        {
            // This one tells whether the disk takes anything again, before gigabytes are written in vain.
            SetMark();
            foreach (var file in Directory.GetFiles(folder)) WriteAgain(file);
        }
        try
        {
            foreach (var file in Directory.GetFiles(folder)) Sync(file);
            Sync(folder);
            Sync(Path.GetDirectoryName(folder)!);
        }
        catch (LinuxException e) when (e.Call is Fsync && !DiskFailed)
        {
            DiskFailed = true;
            try
            {
                SetMark();
            }
            catch (LinuxException)
            {
                // It may be there all the same, in memory, where the next server finds it.
            }
            throw;
        }
    }

    private unsafe void SetMark()
    {
        var path = Path.Combine(folder, Mark);
        using var mark = Open(path, OpenFlags.WriteOnly | OpenFlags.Create);
        byte newLine = (byte)'\n';
        if (Libc.WriteAt(mark, &newLine, 1, 0) != 1) throw LinuxException.Last("pwrite", path);
        if (Libc.Sync(mark) != 0) throw LinuxException.Last(Fsync, path);
    }

    /// <summary>Only what is in memory: the disk has the rest, or nobody has it. Holes stay holes.</summary>
    private static unsafe void WriteAgain(string path)
    {
        using var file = Open(path, OpenFlags.ReadWrite);
        var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
        try
        {
            fixed (byte* bytes = buffer)
            {
                // Past the last data: ENXIO.
                for (var at = 0L; (at = Libc.Seek(file, at, Libc.SeekData)) >= 0;)
                {
                    var part = new IoVector { Base = bytes, Length = Chunk };
                    var read = Libc.ReadAt(file, &part, 1, at, Libc.ReadNoWait);
                    if (read < 0 && LinuxException.Last("preadv2").Errno is Errno.EOPNOTSUPP) read = Libc.ReadAt(file, bytes, Chunk, at);
                    if (read == 0) return;
                    if (read < 0)
                    {
                        // EAGAIN: it is not in memory.
                        at = (at / Page + 1) * Page;
                        continue;
                    }
                    for (nint written = 0, more; written < read; written += more)
                        if ((more = Libc.WriteAt(file, bytes + written, read - written, at + written)) <= 0) throw LinuxException.Last("pwrite", path);
                    at += read;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static Fd Open(string path, OpenFlags flags)
    {
        var file = Libc.Open(path, flags | OpenFlags.CloseOnExec, OwnerOnly);
        return file.IsInvalid ? throw LinuxException.Last("open", path) : file;
    }
}
