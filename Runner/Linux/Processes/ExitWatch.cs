using Runner.Jobs;
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
    public async Task<ProcessExit> WhenExited(Fd pidfd)
    {
        var done = new TaskCompletionSource<ProcessExit>(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.RunAsync(() =>
        {
            ulong token = 0;
            token = loop.Add(pidfd, EpollEvents.Readable, _ =>
            {
                loop.Remove(token, pidfd);
                try
                {
                    done.SetResult(Reap(pidfd));
                }
                catch (LinuxException e)
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

    /// <summary>Calls back once, on the loop's thread, when the descriptor is readable.</summary>
    /// <param name="fd">Stays open until <see cref="Forget"/>.</param>
    /// <param name="callback">Must not block.</param>
    public void OnReadable(Fd fd, Action callback) => loop.Post(() =>
    {
        ulong token = 0;
        token = loop.Add(fd, EpollEvents.Readable, _ =>
        {
            loop.Remove(token, fd);
            callback();
        });
        _watched[fd] = token;
    });

    /// <summary>Ends what <see cref="OnReadable"/> began, and closes the descriptor.</summary>
    public void Forget(Fd fd) => loop.Post(() =>
    {
        if (_watched.Remove(fd, out var token)) loop.Remove(token, fd);
        fd.Dispose();
    });

    private static unsafe ProcessExit Reap(Fd pidfd)
    {
        SigInfo info;
        while (Libc.WaitId(WaitForPidfd, pidfd, &info, WaitForExited) != 0)
        {
            var error = LinuxException.Last("waitid");
            if (error.Errno != Errno.EINTR) throw error;
        }
        return info.Code == SigInfo.Exited
            ? new ProcessExit.Exited(info.Status)
            : new ProcessExit.Signaled(info.Status, CoreDumped: info.Code == SigInfo.Dumped);
    }
}
