namespace Runner.Linux.Native;

/// <summary>Sees to it that descriptors 0 to 2 are taken, so that nothing opened later is mistaken for a terminal.</summary>
static class StandardStreams
{
    /// <summary>Called first of all. A parent may have closed some of them.</summary>
    public static void EnsureOpen()
    {
        while (true)
        {
            var fd = Libc.Open("/dev/null", OpenFlags.ReadWrite);
            if (!fd.IsInvalid && fd.Number <= 2)
            {
                fd.SetHandleAsInvalid(); // stays open
                continue;
            }
            fd.Dispose();
            return;
        }
    }
}
