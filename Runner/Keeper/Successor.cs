using System.Globalization;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>The program on the disk that is to take the place of a keeper, in the same process: tried first, and whatever fails leaves all as it was.</summary>
/// <param name="program">Where it lies.</param>
/// <param name="words">What it is told, its name first.</param>
/// <param name="settings">Its environment, without what is said of keepers.</param>
/// <param name="directory">Where it runs.</param>
sealed class Successor(string program, IReadOnlyList<string> words, IReadOnlyList<string> settings, string directory)
{
    private static readonly TimeSpan s_longestTrial = TimeSpan.FromSeconds(30);

    /// <summary>Whether it runs with these words and could take over.</summary>
    /// <param name="jobs">Starts it.</param>
    /// <param name="format">What it would have to read.</param>
    /// <returns>What is wrong; null: nothing.</returns>
    public string? Try(JobKeeper jobs, int format)
    {
        string[] asked = [.. settings, string.Create(CultureInfo.InvariantCulture, $"{KeeperState.TrialVariable}={format}")];
        using var nothing = Libc.Open("/dev/null", OpenFlags.ReadWrite | OpenFlags.CloseOnExec);
        using var answer = Libc.CreateMemoryFile("trial", OrderFile.CloseOnExec); // unlike a pipe never waited for
        if (nothing.IsInvalid || answer.IsInvalid) return LinuxException.Last("open").Message;
        try
        {
            var (pidfd, gone) = jobs.StartOther(new(program, words, asked, directory, Cgroup: null, Tasks: [], (nothing, answer, nothing)));
            using (pidfd)
            {
                var inTime = gone.Wait(s_longestTrial);
                if (!inTime) _ = Libc.SignalProcess(pidfd, Signals.Kill);
                return !inTime ? $"{program}: on trial it did not end within {s_longestTrial.TotalSeconds} s"
                    : gone.Result.Exit is not ProcessExit.Exited(0) ? $"{program}: on trial it {ServerSupervisor.How(gone.Result.Exit)}"
                    : KeeperState.IsTrialAnswer(answer) ? null
                    : $"{program}: is no runner that can take over";
            }
        }
        catch (SpawnException e)
        {
            return $"{program}: {LinuxException.Describe(e.Errno)}";
        }
    }

    /// <summary>Puts it in the place of this program; returns only if that fails, with what is wrong.</summary>
    /// <param name="state">All that it gets.</param>
    /// <param name="more">What is said to it alone, as NAME=value.</param>
    public string TakeOver(KeeperState state, params string[] more)
    {
        if (state.Signals is not null) SignalPipe.HoldBack();
        try
        {
            using var file = state.Write();
            Environment.CurrentDirectory = directory;
            string[] all = [.. settings, .. more, string.Create(CultureInfo.InvariantCulture, $"{KeeperState.Variable}={file.Number}")];
            return SelfReplacement.Run(program, words, all, [.. state.Fds, file]).Message;
        }
        catch (Exception e) when (e is LinuxException or IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
        finally
        {
            state.Signals?.Begin();
        }
    }
}
