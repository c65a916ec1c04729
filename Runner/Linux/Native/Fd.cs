using Microsoft.Win32.SafeHandles;

namespace Runner.Linux.Native;

/// <summary>An open file descriptor that is closed once, by whoever owns it.</summary>
sealed class Fd : SafeHandleMinusOneIsInvalid
{
    public Fd() : base(ownsHandle: true) { }

    public Fd(int number) : base(ownsHandle: true) => SetHandle(number);

    /// <summary>The bare number, for structures the kernel reads. Valid only while this object is alive.</summary>
    public int Number => (int)handle;

    // Linux frees the descriptor even when close fails, so there is nothing to retry (close(2)).
    protected override bool ReleaseHandle()
    {
        _ = Libc.Close(Number);
        return true;
    }
}
