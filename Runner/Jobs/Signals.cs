using System.Globalization;

namespace Runner.Jobs;

/// <summary>Signal numbers and their names, as on every 64-bit Linux but MIPS (signal(7)).</summary>
static class Signals
{
    public const int HangUp = 1, Kill = 9, Terminate = 15, Continue = 18, Most = 64;

    /// <summary>What an error offers when a signal was not understood.</summary>
    public const string Valid = "1 to 64, or a name such as TERM, SIGUSR1 or RTMIN+3";

    // The kernel's first real-time signal is 32; the C library keeps two for its threads (signal(7)).
    private const int FirstRealTime = 34;

    private static readonly string[] s_names =
    [
        "0", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV",
        "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU",
        "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
    ];

    public static string Name(int signal) => signal switch
    {
        > 0 when signal < s_names.Length => s_names[signal],
        FirstRealTime => "SIGRTMIN",
        > FirstRealTime and <= Most => $"SIGRTMIN+{(signal - FirstRealTime).ToString(CultureInfo.InvariantCulture)}",
        _ => $"signal {signal.ToString(CultureInfo.InvariantCulture)}",
    };

    /// <summary>A number, or a name with or without SIG, in any case; real-time ones as RTMIN, RTMIN+N, RTMAX-N and RTMAX, as kill(1) counts them.</summary>
    public static bool TryParse(string text, out int signal)
    {
        if (Whole(text, out signal)) return signal is >= 1 and <= Most;
        var name = text.ToUpperInvariant();
        if (name.StartsWith("SIG", StringComparison.Ordinal)) name = name[3..];
        signal = name switch
        {
            "IOT" => 6,
            "CLD" => 17,
            "POLL" => 29,
            "RTMIN" => FirstRealTime,
            "RTMAX" => Most,
            _ when name.StartsWith("RTMIN+", StringComparison.Ordinal) && Whole(name[6..], out var up) && up <= Most => FirstRealTime + up,
            _ when name.StartsWith("RTMAX-", StringComparison.Ordinal) && Whole(name[6..], out var down) && down <= Most - FirstRealTime => Most - down,
            _ => Array.IndexOf(s_names, $"SIG{name}"),
        };
        return signal is >= 1 and <= Most;
    }

    private static bool Whole(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
