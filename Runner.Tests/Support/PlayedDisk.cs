using Runner.Jobs;

namespace Runner.Tests.Support;

/// <summary>A disk of 1000 MiB that has as much room as a test says.</summary>
sealed class PlayedDisk : IStateDisk
{
    public const long Mebibyte = 1024 * 1024;

    private long _free = 500 * Mebibyte;

    public long FreeBytes
    {
        get => Volatile.Read(ref _free);
        set => Volatile.Write(ref _free, value);
    }

    public DiskSpace Look() => new("/played", 1000 * Mebibyte, FreeBytes, 50 * Mebibyte, Files: 0, FreeFiles: 0, ReserveFiles: 0);
}
