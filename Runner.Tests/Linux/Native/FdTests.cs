using System.Runtime.InteropServices;
using Runner.Linux.Native;

namespace Runner.Tests.Linux.Native;

public sealed class FdTests
{
    [Fact]
    public void A_file_that_cannot_be_opened_is_no_descriptor_whatever_is_in_the_rest_of_the_register()
    {
        for (var i = 0; i < 1_000; i++)
        {
            using var fd = Libc.Open("/nowhere/at all", OpenFlags.CloseOnExec);
            Assert.True(fd.IsInvalid);
            Assert.Equal((int)Errno.ENOENT, Marshal.GetLastPInvokeError());
        }
        // What is left of an int's -1 when the upper half of the register is zero.
        using var half = new Fd();
        Marshal.InitHandle(half, unchecked((nint)0xFFFF_FFFF));
        Assert.True(half.IsInvalid);
    }

    [Fact]
    public void A_process_that_is_gone_has_no_descriptor()
    {
        using var child = System.Diagnostics.Process.Start("true");
        child.WaitForExit();
        using var process = Libc.OpenProcess(child.Id);
        Assert.True(process.IsInvalid);
        Assert.Equal((int)Errno.ESRCH, Marshal.GetLastPInvokeError());
    }
}
