using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Runner.Jobs;

namespace Runner.Wire;

/// <summary>The one end of a job, to and from the wire.</summary>
static class JobEnds
{
    private static readonly (string Word, V1.EndReason Wire)[] s_reasons =
    [
        (EndParts.Exited, V1.EndReason.Exited),
        (EndParts.Signaled, V1.EndReason.Signaled),
        (EndParts.OutOfMemory, V1.EndReason.OutOfMemory),
        (EndParts.TimedOut, V1.EndReason.TimedOut),
        (EndParts.Stopped, V1.EndReason.Stopped),
        (EndParts.OutputLimit, V1.EndReason.OutputLimit),
        (EndParts.CouldNotStart, V1.EndReason.CouldNotStart),
        (EndParts.Lost, V1.EndReason.Lost),
    ];

    public static V1.Ended ToWire(JobState.Ended ended, string? stdoutSha256, string? stderrSha256)
    {
        var wire = ToWire(ended.EndedAt, ended.End);
        wire.DigestsDue = ended.IsDigestDue;
        if (ended.LeftoverProcesses is { } leftovers) wire.LeftoverProcesses = leftovers;
        if (stdoutSha256 is { } stdout) wire.StdoutSha256 = ByteString.CopyFrom(Convert.FromHexString(stdout));
        if (stderrSha256 is { } stderr) wire.StderrSha256 = ByteString.CopyFrom(Convert.FromHexString(stderr));
        return wire;
    }

    public static V1.Ended ToWire(DateTimeOffset endedAt, JobEnd end)
    {
        var parts = EndParts.Of(end);
        var wire = new V1.Ended
        {
            EndedAt = Timestamp.FromDateTimeOffset(endedAt),
            Reason = ToWire(parts.Reason),
            CoreDumped = parts.CoreDumped,
            StoppedBy = parts.By ?? "",
            Detail = parts.Detail ?? "",
            LostReason = (V1.LostReason)parts.LostReason,
        };
        if (parts.Code is { } code) wire.Code = code;
        if (parts.Signal is { } signal) wire.Signal = signal;
        return wire;
    }

    /// <exception cref="InvalidDataException">An end of a newer server, or one whose parts contradict each other.</exception>
    public static JobEnd FromWire(V1.Ended wire)
    {
        ProcessExit? exit = wire.ExitCase switch
        {
            V1.Ended.ExitOneofCase.Signal => new ProcessExit.Signaled(wire.Signal, wire.CoreDumped),
            V1.Ended.ExitOneofCase.Code => new ProcessExit.Exited(wire.Code),
            _ => null,
        };
        var word = FromWire(wire.Reason)
            ?? throw new InvalidDataException($"an end that this client does not know ({wire.Reason}); a newer one may");
        return new EndParts(word, exit, wire.StoppedBy, wire.Detail, System.Enum.IsDefined((LostReason)wire.LostReason) ? (LostReason)wire.LostReason : LostReason.Unknown).ToEnd()
            ?? throw new InvalidDataException($"the end {wire.Reason} {(exit is null ? "does not tell" : "contradicts")} how the process went");
    }

    public static V1.EndReason ToWire(string reason) => s_reasons.Single(row => row.Word == reason).Wire;

    /// <summary>Null: none, or one of a newer version.</summary>
    public static string? FromWire(V1.EndReason wire) => s_reasons.FirstOrDefault(row => row.Wire == wire).Word;
}
