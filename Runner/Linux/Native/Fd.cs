using System.Runtime.InteropServices;

namespace Runner.Linux.Native;

/// <summary>An open file descriptor that is closed once, by whoever owns it.</summary>
sealed class Fd : SafeHandle
{
    public Fd() : base(-1, ownsHandle: true) { }

    public Fd(int number) : base(-1, ownsHandle: true) => SetHandle(number);

    /// <summary>The bare number, for structures the kernel reads. Valid only while this object is alive.</summary>
    public int Number => unchecked((int)(long)handle);

    // The C functions return an int, the marshaller takes a whole register: of a −1 only the lower half is sure.
    public override bool IsInvalid => Number < 0;

    // Linux frees the descriptor even when close fails, so there is nothing to retry (close(2)).
    protected override bool ReleaseHandle()
    {
        _ = Libc.Close(Number);
        return true;
    }
}
