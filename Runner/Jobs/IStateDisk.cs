namespace Runner.Jobs;

/// <summary>The disk that records and output are kept on.</summary>
interface IStateDisk
{
    /// <summary>What is free on it at this moment.</summary>
    DiskSpace Look();
}

/// <summary>What is free on the disk of the state directory, and what is kept free there so that jobs can always end.</summary>
/// <param name="Folder">The state directory.</param>
/// <param name="Bytes">Bytes of the file system. 0: it does not tell (ramfs), and counts as one that is never full.</param>
/// <param name="FreeBytes">Those that are free.</param>
/// <param name="ReserveBytes">With less than this no job is started; with half of it jobs' output is held back.</param>
/// <param name="Files">Inodes of the file system. 0: it makes them as it needs them (btrfs).</param>
/// <param name="FreeFiles">Those that are free.</param>
/// <param name="ReserveFiles">As <paramref name="ReserveBytes"/>.</param>
sealed record DiskSpace(string Folder, long Bytes, long FreeBytes, long ReserveBytes, long Files, long FreeFiles, long ReserveFiles)
{
    private const long UsualReserve = 256L * 1024 * 1024;
    private const int UsualShare = 20; // of a small disk
    private const long UsualFiles = 1024;

    /// <summary>What is kept free when nobody says: the smaller of 256 MiB and 5 %.</summary>
    public static long UsualReserveOf(long bytes) => Math.Min(UsualReserve, bytes / UsualShare);

    /// <summary>The same of inodes: the smaller of 1024 and 5 %.</summary>
    public static long UsualFilesOf(long files) => Math.Min(UsualFiles, files / UsualShare);

    /// <summary>No job is started.</summary>
    public bool IsLow => IsBelow(1);

    /// <summary>What jobs write is left in their pipes: the rest is for their ends.</summary>
    public bool HoldsBack => IsBelow(2);

    /// <summary>What is free, and what is kept free, of whichever there is less of.</summary>
    public string Words => IsShortOf(FreeFiles, Files, ReserveFiles) && !IsShortOf(FreeBytes, Bytes, ReserveBytes)
        ? $"{FreeFiles} inodes free, {ReserveFiles} are kept"
        : $"{FreeBytes >> 20} MiB free, {ReserveBytes >> 20} MiB are kept";

    /// <summary>Bytes that may be captured before output is held back.</summary>
    public long BytesToCapture => Bytes == 0 || ReserveBytes == 0 ? long.MaxValue : Math.Max(0, FreeBytes - ReserveBytes / 2);

    private bool IsBelow(int part) => IsShortOf(FreeBytes, Bytes, ReserveBytes / part) || IsShortOf(FreeFiles, Files, ReserveFiles / part);

    private static bool IsShortOf(long free, long all, long reserve) => all > 0 && free < reserve;
}

/// <summary>The disk at one moment, and who waits for it.</summary>
/// <param name="Space">Null: nobody looks at it.</param>
/// <param name="HeldBack">Running jobs whose output is held back.</param>
/// <param name="WaitingEnds">Jobs whose main process has gone and whose end cannot be stored.</param>
sealed record DiskState(DiskSpace? Space, int HeldBack, int WaitingEnds)
{
    public bool IsHealthy => Space is not { IsLow: true } && HeldBack == 0 && WaitingEnds == 0;
}
