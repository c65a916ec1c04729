using Runner.Linux.Cgroups;
using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>Tells when processes have gone and when cgroups have become empty, by one thread and without polling.</summary>
sealed class ExitWatch(EventLoop loop)
{
    private const int WaitForPidfd = 3; // P_PIDFD, waitid(2), Linux 5.4
    private const int WaitForExited = 4; // WEXITED

    // Touched on the loop's thread only.
    private readonly Dictionary<Fd, ulong> _watched = [];

    /// <summary>Reaps the process when it exits. Done with how it went; the descriptor is closed then.</summary>
    /// <param name="pidfd">The process.</param>
    /// <param name="pid">Its number; 0: not known.</param>
    public async Task<ReapedProcess> WhenExited(Fd pidfd, int pid = 0)
    {
        var done = new TaskCompletionSource<ReapedProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.RunAsync(() =>
        {
            ulong token = 0;
            token = loop.Add(pidfd, EpollEvents.Readable, _ =>
            {
                loop.Remove(token, pidfd);
                try
                {
                    // Looked at while its number is still its own.
                    var spared = pid > 0 && OomSpared.Is(pid);
                    done.SetResult(Reap(pidfd, spared));
                }
                catch (Exception e)
                {
                    done.SetException(e);
                }
                pidfd.Dispose();
            });
        }).ConfigureAwait(false);
        return await done.Task.ConfigureAwait(false);
    }

    /// <summary>Done when a condition that changes with <c>cgroup.events</c> holds (cgroup v2 notifies by POLLPRI).</summary>
    /// <param name="events">The open file; stays the caller's.</param>
    /// <param name="holds">Reads the file from its start, which also takes the notification.</param>
    public async Task WhenCgroup(Fd events, Func<bool> holds)
    {
        if (holds()) return;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.RunAsync(() =>
        {
            ulong token = 0;
            void Look(EpollEvents ready)
            {
                try
                {
                    if (!holds()) return;
                    loop.Remove(token, events);
                    done.SetResult();
                }
                catch (Exception e)
                {
                    loop.Remove(token, events);
                    done.SetException(e);
                }
            }
            token = loop.Add(events, EpollEvents.Priority, Look);

            // A change before the line above would not be told.
            Look(EpollEvents.None);
        }).ConfigureAwait(false);
        await done.Task.ConfigureAwait(false);
    }

    /// <summary>Calls back on the loop's thread whenever the descriptor is readable.</summary>
    /// <param name="fd">Stays open until <see cref="Forget"/>.</param>
    /// <param name="callback">Reads it, so that it is quiet until the next time. Must not block.</param>
    public void OnReadable(Fd fd, Action callback) => loop.Post(() =>
    {
        _watched[fd] = loop.Add(fd, EpollEvents.Readable, _ => callback());
    });

    /// <summary>Ends what <see cref="OnReadable"/> began, and closes the descriptor.</summary>
    public void Forget(Fd fd) => loop.Post(() =>
    {
        if (_watched.Remove(fd, out var token)) loop.Remove(token, fd);
        fd.Dispose();
    });

    /// <summary>Whether a process has exited, reaped or not: its descriptor is readable then (pidfd_open(2)). It need not be a child.</summary>
    public static unsafe bool HasExited(Fd pidfd)
    {
        var held = false;
        try
        {
            pidfd.DangerousAddRef(ref held); // or its number could pass to another file meanwhile
            var entry = new PollFd { Fd = pidfd.Number, Events = PollEvents.Readable };
            return Libc.PollFds(&entry, 1, 0) > 0;
        }
        catch (ObjectDisposedException)
        {
            return true; // reaped by us
        }
        finally
        {
            if (held) pidfd.DangerousRelease();
        }
    }

    private static unsafe ReapedProcess Reap(Fd pidfd, bool spared)
    {
        SigInfo info = default;
        ResourceCount count = default;
        while (Libc.WaitId(WaitForPidfd, pidfd, &info, WaitForExited, &count) != 0)
        {
            var error = LinuxException.Last("waitid");
            if (error.Errno != Errno.EINTR) throw error;
        }
        return ReapedProcess.Of(info, count, spared);
    }
}
