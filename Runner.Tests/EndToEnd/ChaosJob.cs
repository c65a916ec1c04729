using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Runner.Jobs;
using Runner.Output;

namespace Runner.Tests.EndToEnd;

/// <summary>A job of which is known beforehand what it writes and how it ends: all of it follows from a few numbers.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Kind">What it does at last.</param>
/// <param name="First">The first number that it writes; each line of each stream is a number, so that no two pieces are the same.</param>
/// <param name="Lines">How many numbers at a time.</param>
/// <param name="Times">How many times.</param>
/// <param name="Pause">How long it rests in between, in milliseconds.</param>
/// <param name="Code">Its exit code.</param>
sealed record ChaosJob(JobId Id, ChaosKind Kind, int First, int Lines, int Times, int Pause, int Code)
{
    public static ChaosJob Of(Random random)
    {
        var kind = random.Next(10) switch { 0 => ChaosKind.Stopped, 1 => ChaosKind.TimesOut, 2 => ChaosKind.LeavesOthers, 3 or 4 => ChaosKind.Brief, _ => ChaosKind.Exits };
        return kind is ChaosKind.Brief or ChaosKind.TimesOut // which must have written all before its time is up
            ? new(JobId.New(), kind, random.Next(1_000_000), random.Next(1, 100), 1, random.Next(200), random.Next(256))
            : new(JobId.New(), kind, random.Next(1_000_000), random.Next(1, 20_000), random.Next(1, 8), random.Next(200), random.Next(256));
    }

    public JobSpec Spec => new()
    {
        Command = "/bin/sh",
        Args = ["-c", Script],
        Timeout = Kind is ChaosKind.TimesOut ? TimeSpan.FromSeconds(8) : null,
        GracePeriod = TimeSpan.FromSeconds(20),
        Labels = new Dictionary<string, string> { ["chaos"] = Kind.ToString() },
    };

    public override string ToString() => $"job {Id} ({Kind}, {Times} times {Lines} lines from {First} on, {Pause} ms, code {Code})";

    private string Script => string.Create(CultureInfo.InvariantCulture, $"""
        exec 3>&2; {(WaitsForItsEnd ? "exec 2>/dev/null" : "")}
        {(WaitsForItsEnd ? $"trap 'sleep 0.{Pause:000}; echo bye; exit {Code}' TERM;" : "")}
        {(Kind is ChaosKind.LeavesOthers ? "setsid sleep 1000 &" : "")}
        i=0; while [ $i -lt {Times} ]; do
          first=$(({First} + i * {Lines})); last=$((first + {Lines} - 1))
          seq -f %.0f $first $last; seq -f -%.0f $first $last >&3
          {(Kind is ChaosKind.Brief || WaitsForItsEnd ? "" : $"sleep 0.{Pause:000}")}
          i=$((i + 1))
        done
        {(WaitsForItsEnd ? "while :; do sleep 0.05; done" : $"exit {Code}")}
        """);

    /// <summary>It writes all but its last word, and then waits until it is told to end. What the shell says of its children that are told too is nobody's.</summary>
    private bool WaitsForItsEnd => Kind is ChaosKind.Stopped or ChaosKind.TimesOut;

    /// <summary>How much of its standard output it writes without being told to end.</summary>
    public int OwnBytes => Expected(OutputKind.Stdout).Length - (WaitsForItsEnd ? 4 : 0);

    /// <summary>Whether this is how it must end.</summary>
    public bool EndsBy(JobEnd end) => Kind switch
    {
        ChaosKind.Stopped => end == new JobEnd.Stopped("admin", new ProcessExit.Exited(Code)),
        ChaosKind.TimesOut => end == new JobEnd.TimedOut(new ProcessExit.Exited(Code)),
        _ => end == new JobEnd.Exited(Code),
    };

    /// <summary>Whether these are exactly the bytes that it writes.</summary>
    public bool Wrote(OutputKind kind, ReadOnlySpan<byte> bytes) => SHA256.HashData(bytes).AsSpan().SequenceEqual(SHA256.HashData(Expected(kind)));

    public byte[] Expected(OutputKind kind)
    {
        var text = new StringBuilder();
        for (var number = First; number < First + Lines * Times; number++)
            text.Append(kind is OutputKind.Stdout ? "" : "-").Append(number.ToString(CultureInfo.InvariantCulture)).Append('\n');
        if (kind is OutputKind.Stdout && WaitsForItsEnd) text.Append("bye\n");
        return Encoding.ASCII.GetBytes(text.ToString());
    }
}

/// <summary>What a job of known output does at last.</summary>
enum ChaosKind
{
    Exits,

    /// <summary>Within a few milliseconds.</summary>
    Brief,

    /// <summary>Leaves a process that holds its pipes open.</summary>
    LeavesOthers,

    /// <summary>Runs until a caller stops it, and takes a while to end.</summary>
    Stopped,

    /// <summary>The same by its timeout.</summary>
    TimesOut,
}
