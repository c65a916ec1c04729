using System.Globalization;

namespace Runner.Linux.Processes;

/// <summary>How readily the kernel kills this process for want of memory (proc_pid_oom_score_adj(5)). Its jobs do not inherit it.</summary>
static class OwnOomScore
{
    private const string File = "/proc/self/oom_score_adj";

    /// <summary>Whether it is 0, as for every process that nobody has favoured; so are then those it starts.</summary>
    public static bool IsUsual { get; private set; } = Read() is 0;

    /// <summary>Makes it less likely than any job. Where that is not allowed (CAP_SYS_RESOURCE), or somebody has given it less still, it stays as it is.</summary>
    public static void Lower(int score)
    {
        try
        {
            if (Read() > score) System.IO.File.WriteAllText(File, score.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
        IsUsual = Read() is 0;
    }

    private static int Read()
    {
        try
        {
            return int.Parse(System.IO.File.ReadAllText(File), NumberStyles.Integer, CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0; // no /proc: nothing can be changed there either
        }
    }
}
