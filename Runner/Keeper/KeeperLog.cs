using System.Text;
using Runner.Linux.Native;

namespace Runner.Keeper;

/// <summary>What a keeper says to people. Whoever does not listen, or has no room to write it down, costs the line and nothing else.</summary>
/// <param name="to">Where; stays the caller's.</param>
sealed class KeeperLog(Fd to)
{
    private const int Longest = 4096; // what a pipe that takes anything takes whole (PIPE_BUF, pipe(7))

    public unsafe void Tell(string sentence)
    {
        var bytes = Encoding.UTF8.GetBytes(sentence + "\n");
        var entry = new PollFd { Fd = to.Number, Events = PollEvents.Writable };
        if (Libc.PollFds(&entry, 1, 0) != 1 || !entry.Returned.HasFlag(PollEvents.Writable)) return;
        fixed (byte* start = bytes) _ = Libc.Write(to, start, (nuint)Math.Min(bytes.Length, Longest));
    }
}
