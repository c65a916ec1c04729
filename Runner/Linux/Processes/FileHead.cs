using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>
/// Holds a file that only grows to a size on the disk by giving back its head (fallocate(2), FALLOC_FL_PUNCH_HOLE, Linux 2.6.38):
/// what stays keeps its offsets. In steps of a sixteenth, so that it is seldom done, and of 4 MiB at most, so that it takes no time.
/// </summary>
/// <param name="file">The file.</param>
/// <param name="most">Bytes it may have.</param>
/// <param name="unit">What is given back is a multiple of this, and so of the file system's blocks.</param>
sealed class FileHead(LazyFile file, long most, long unit)
{
    private const long LargestStep = 4 << 20;

    private readonly long _step = Math.Clamp(most / 16, unit, LargestStep);

    /// <summary>
    /// Whether the file system of a folder takes anything back, by trying: some have fallocate(2) and not this of it. One that has no
    /// room for the trial is taken to be of those that do, as most are.
    /// </summary>
    /// <exception cref="LinuxException">Nothing can be tried there.</exception>
    public static bool WorksIn(string folder)
    {
        const uint OwnerOnly = 0x180; // 0600
        var path = Path.Combine(folder, $".runner-probe-{Environment.ProcessId}");
        using var trial = Libc.Open(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.CloseOnExec, OwnerOnly);
        if (trial.IsInvalid)
        {
            var error = LinuxException.Last("open", path);
            return error.Errno is Errno.ENOSPC or Errno.EDQUOT ? true : throw error;
        }
        var works = Libc.Allocate(trial, AllocateMode.PunchHole | AllocateMode.KeepSize, 0, 1) == 0
            || LinuxException.Last("fallocate").Errno is not (Errno.EOPNOTSUPP or Errno.ENOSYS);
        File.Delete(path);
        return works;
    }

    /// <summary>Where what is left begins. At first 0: to give back what a former server did costs nothing.</summary>
    public long Given { get; private set; }

    /// <summary>Where what is left must begin for a step of room in a file of this length.</summary>
    public long For(long length) => (length - most + _step + unit - 1) / unit * unit;

    /// <exception cref="LinuxException">The file system did not take it back.</exception>
    public void GiveBack(long end)
    {
        if (end <= Given) return;
        if (Libc.Allocate(file.Open(), AllocateMode.PunchHole | AllocateMode.KeepSize, Given, end - Given) != 0) throw LinuxException.Last("fallocate");
        Given = end;
    }
}
