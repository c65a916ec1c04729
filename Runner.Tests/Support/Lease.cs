using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Runner.Tests.Support;

/// <summary>Lets whoever opens or executes a file wait until it is given back (F_SETLEASE, fcntl(2)); at most 45 s (lease-break-time).</summary>
sealed partial class Lease : IDisposable
{
    private const int SetSignal = 10, SetLease = 1024, GetLease = 1025; // F_SETSIG, F_SETLEASE, F_GETLEASE
    private const int WriteLock = 1, Unlock = 2;
    private const int Urgent = 23; // SIGURG, which is ignored unless somebody asks for it

    private readonly SafeFileHandle _file;

    public Lease(string path)
    {
        _file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        Assert.Equal((0, 0), (Control(_file, SetSignal, Urgent), Control(_file, SetLease, WriteLock)));
    }

    /// <summary>Somebody waits for it.</summary>
    public bool IsWantedBack => Control(_file, GetLease, 0) != WriteLock;

    public void Dispose()
    {
        if (_file.IsClosed) return;
        _ = Control(_file, SetLease, Unlock);
        _file.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(SafeFileHandle file, int command, int argument);
}
