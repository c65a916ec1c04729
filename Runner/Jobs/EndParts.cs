namespace Runner.Jobs;

/// <summary>An end taken apart, as the store, the wire and JSON hold it.</summary>
/// <param name="Reason">Whose doing it was, in the word that scripts rely on.</param>
/// <param name="Exit">How the main process went, where that is known.</param>
/// <param name="By">Who stopped it.</param>
/// <param name="Detail">What happened, in words.</param>
/// <param name="LostReason">For a lost one, why.</param>
sealed record EndParts(string Reason, ProcessExit? Exit = null, string? By = null, string? Detail = null, LostReason LostReason = LostReason.Unknown)
{
    public const string Exited = "exited", Signaled = "signaled", OutOfMemory = "out-of-memory", TimedOut = "timed-out",
        Stopped = "stopped", OutputLimit = "output-limit", CouldNotStart = "could-not-start", Lost = "lost";

    /// <summary>Every reason there is.</summary>
    public static IReadOnlyList<string> Reasons { get; } = [Exited, Signaled, OutOfMemory, TimedOut, Stopped, OutputLimit, CouldNotStart, Lost];

    public static EndParts Of(JobEnd end) => end switch
    {
        JobEnd.Exited(var code) => new(Exited, new ProcessExit.Exited(code)),
        JobEnd.Signaled(var signal, var core) => new(Signaled, new ProcessExit.Signaled(signal, core)),
        JobEnd.OutOfMemory(var exit) => new(OutOfMemory, exit),
        JobEnd.TimedOut(var exit) => new(TimedOut, exit),
        JobEnd.Stopped(var by, var exit) => new(Stopped, exit, By: by),
        JobEnd.OutputLimit(var exit) => new(OutputLimit, exit),
        JobEnd.CouldNotStart(var why) => new(CouldNotStart, Detail: why),
        JobEnd.Lost(var words, var why) => new(Lost, Detail: words, LostReason: why),
        _ => throw new InvalidOperationException($"no parts of {end}"),
    };

    /// <summary>The end they make together; null if the reason is none or the parts contradict it.</summary>
    public JobEnd? ToEnd() => (Reason, Exit) switch
    {
        (Exited, ProcessExit.Exited(var code)) => new JobEnd.Exited(code),
        (Signaled, ProcessExit.Signaled(var signal, var core)) => new JobEnd.Signaled(signal, core),
        (OutOfMemory, { } exit) => new JobEnd.OutOfMemory(exit),
        (TimedOut, { } exit) => new JobEnd.TimedOut(exit),
        (Stopped, { } exit) when By is not null => new JobEnd.Stopped(By, exit),
        (OutputLimit, { } exit) => new JobEnd.OutputLimit(exit),
        (CouldNotStart, null) => new JobEnd.CouldNotStart(Detail ?? ""),
        (Lost, null) => new JobEnd.Lost(Detail ?? "", LostReason),
        _ => null,
    };

    /// <summary>In the word that scripts rely on: "host-reboot". Null: not lost, or nobody knows why.</summary>
    public string? LostWord => s_lostWords.FirstOrDefault(row => row.Why == LostReason).Word;

    /// <summary>Words of newer versions are as good as none.</summary>
    public static LostReason LostReasonOf(string? word) => s_lostWords.FirstOrDefault(row => row.Word == word).Why;

    private static readonly (LostReason Why, string Word)[] s_lostWords =
    [
        (LostReason.HostReboot, "host-reboot"), (LostReason.KeeperDied, "keeper-died"), (LostReason.ServerDied, "server-died"),
        (LostReason.NotAdopted, "not-adopted"), (LostReason.NotTold, "not-told"),
    ];

    public int? Code => (Exit as ProcessExit.Exited)?.Code;

    /// <summary>As a shell would tell it; null where nobody knows how the process went.</summary>
    public int? ExitCode => Code ?? 128 + Signal;

    public int? Signal => (Exit as ProcessExit.Signaled)?.Signal;

    public bool CoreDumped => Exit is ProcessExit.Signaled { CoreDumped: true };
}
